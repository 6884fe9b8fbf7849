import type { Clock } from '../../domain/clock.ts';
import type { Key } from '../../domain/user-key.ts';
import type { Db } from '../../stores/postgres/database.ts';
import type { UsageTotals } from '../../stores/postgres/usage/usage.ts';

/** What every question about keys needs. */
export type ReadParts = { db: Db; clock: Clock };

/** A key and what was counted for its line; undefined when it was never used. */
export type KeyWithUsage = { key: Key; usage: UsageTotals | undefined };
