import type { RequestHandler, Response } from 'express';

/**
 * Interval of the probes: callers of `/health/ready` cost the stores one check a second at most.
 */
const probeEveryMs = 1_000;

export type HealthParts = {
  isDraining: () => boolean;
  isPostgresUp: () => Promise<boolean>;
  isRedisUp: () => Promise<boolean>;
  isLeaseHeld: () => boolean;
};

/**
 * Liveness: the event loop turns. Dependencies are not checked, because a restart does not repair
 * them.
 */
export function live(): RequestHandler {
  return (_req, res) => {
    res.json({ status: 'live' });
  };
}

/**
 * Readiness: not draining, and Postgres answers, which mint, refresh and revoke need. Without Redis
 * or a lease the service is slower but complete. That is `degraded`, and no reason to stop traffic.
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

/**
 * Whether verifications should come here: while the lease is held, which needs no look at any
 * store, or while Postgres answers. A load balancer in front of verifiers asks this one, since
 * `ready` takes all of them away when Postgres is gone and their leases still carry verification.
 */
export function canVerify(parts: HealthParts): RequestHandler {
  const isPostgresUp = probe(parts.isPostgresUp);
  return async (_req, res) => {
    const isDraining = parts.isDraining();
    if (parts.isLeaseHeld())
      return answerVerifying(res, { isDraining, lease: 'held', postgres: 'not_asked' });
    const postgres = upOrDown(await isPostgresUp());
    answerVerifying(res, { isDraining, lease: 'lapsed', postgres });
  };
}

type Verifying = { isDraining: boolean; lease: 'held' | 'lapsed'; postgres: 'up' | 'down' | 'not_asked' };

function answerVerifying(res: Response, { isDraining, lease, postgres }: Verifying): void {
  const isVerifying = !isDraining && postgres !== 'down';
  const status = isVerifying ? (lease === 'held' ? 'ready' : 'degraded') : 'unavailable';
  res.status(isVerifying ? 200 : 503).json({ status, draining: isDraining, checks: { lease, postgres } });
}

function upOrDown(isUp: boolean): 'up' | 'down' {
  return isUp ? 'up' : 'down';
}

/** Caches a check for a second, and shares it while it runs. */
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
