import type { Clock } from '../../domain/clock.ts';
import type { Key } from '../../domain/user-key.ts';
import type { Db } from '../../stores/postgres/database.ts';
import type { UsageTotals } from '../../stores/postgres/usage/usage.ts';

/** Dependencies of reads of user keys. */
export type ReadParts = { db: Db; clock: Clock };

/** A key with the usage of its line; undefined when it was never used. */
export type KeyWithUsage = { key: Key; usage: UsageTotals | undefined };
