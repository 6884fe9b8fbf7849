import { FlowplateError } from '../../domain/errors.ts';
import type { StampedRefusals } from '../../stores/redis/refusals.ts';
import type { ReadParts } from './key-with-usage.ts';

/** Dependencies of every question about last refusals. */
export type RefusalReadParts = ReadParts & { keyRefusals: StampedRefusals };

/** They lie in Redis and nowhere else. */
export function refuseWithoutRedis(cause: unknown): never {
  throw new FlowplateError('DEPENDENCY_UNAVAILABLE', { cause });
}
