import { FlowplateError } from '../../domain/errors.ts';
import type { StampedRefusals } from '../../stores/redis/refusals.ts';
import type { ReadParts } from './key-with-usage.ts';

/** What every question about last refusals needs. */
export type RefusalReadParts = ReadParts & { keyRefusals: StampedRefusals };

/** They lie in Redis and nowhere else. */
export function refuseWithoutRedis(cause: unknown): never {
  throw new FlowplateError('DEPENDENCY_UNAVAILABLE', { cause });
}
