import type { RequestHandler } from 'express';

export type HealthParts = {
  isDraining: () => boolean;
  isPostgresUp: () => Promise<boolean>;
  isRedisUp: () => Promise<boolean>;
  isLeaseHeld: () => boolean;
};

/** The process runs and its event loop turns. Nothing else: a dependency that is down is not cured by a restart. */
export function live(): RequestHandler {
  return (_req, res) => {
    res.json({ status: 'live' });
  };
}

/**
 * Whether traffic should come here: not while draining, and not without Postgres, since mint, refresh and revoke need it.
 * Without Redis or without a lease everything still works, only slower; that is `degraded`, and no reason to send traffic away.
 */
export function ready(parts: HealthParts): RequestHandler {
  return async (_req, res) => {
    const [postgres, redis] = await Promise.all([parts.isPostgresUp(), parts.isRedisUp()]);
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
