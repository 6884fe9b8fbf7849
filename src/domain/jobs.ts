/**
 * Names and rhythm of the background jobs. No job carries a payload: each looks for due work in Postgres or Redis, so a lost
 * queue only delays it and running one twice is harmless.
 */
export const jobs = {
  'roll-up-usage': { everyMs: 2_000 },
  'seal-audit': { everyMs: 3_000 },
  'expire-keys': { everyMs: 15_000 },
  'prune-changes': { everyMs: 60_000 },
  'prune-outcomes': { everyMs: 300_000 },
  'prune-sessions': { everyMs: 300_000 },
  'manage-partitions': { everyMs: 3_600_000 },
} as const;

export type JobName = keyof typeof jobs;
