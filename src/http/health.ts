import type { RequestHandler } from 'express';

/**
 * Probes of a process: any number of callers of `/health/ready` cost the stores one look a second.
 */
const probeEveryMs = 1_000;

export type HealthParts = {
  isDraining: () => boolean;
  isPostgresUp: () => Promise<boolean>;
  isRedisUp: () => Promise<boolean>;
  isLeaseHeld: () => boolean;
};

/**
 * The process runs and its event loop turns. Nothing else: a dependency that is down is not cured
 * by a restart.
 */
export function live(): RequestHandler {
  return (_req, res) => {
    res.json({ status: 'live' });
  };
}

/**
 * Whether traffic should come here: not while draining, and not without Postgres, since mint,
 * refresh and revoke need it. Without Redis or without a lease everything still works, only slower;
 * that is `degraded`, and no reason to send traffic away.
 */
export function ready(parts: HealthParts): RequestHandler {
  const isPostgresUp = probe(parts.isPostgresUp);
  const isRedisUp = probe(parts.isRedisUp);
  return async (_req, res) => {
    const [postgres, redis] = await Promise.all([isPostgresUp(), isRedisUp()]);
    const lease = parts.isLeaseHeld();
    const isReady = postgres && !parts.isDraining();
    const status = isReady ? (redis && lease ? 'ready' : 'degraded') : 'unavailable';
    res.status(isReady ? 200 : 503).json({
      status,
      draining: parts.isDraining(),
      checks: { postgres: upOrDown(postgres), redis: upOrDown(redis), lease: lease ? 'held' : 'lapsed' },
    });
  };
}

function upOrDown(isUp: boolean): 'up' | 'down' {
  return isUp ? 'up' : 'down';
}

/**
 * Shares one look among all callers, also while it runs, and repeats it for callers a second later.
 */
function probe(look: () => Promise<boolean>): () => Promise<boolean> {
  let isUp = Promise.resolve(false);
  let freshUntilMs = 0;
  return () => {
    if (performance.now() >= freshUntilMs) {
      freshUntilMs = Number.POSITIVE_INFINITY;
      isUp = look().finally(() => {
        freshUntilMs = performance.now() + probeEveryMs;
      });
    }
    return isUp;
  };
}
