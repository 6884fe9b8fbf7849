import type { RequestHandler, Response } from 'express';

const lookEveryMs = 1_000;

/**
 * - `down`: Postgres does not answer
 * - `unsafe`: it may lose or hide changes that were answered; `problems` says why
 * - `no_commits`: it answers, and finishes no commit, as without its synchronous standby
 */
export type PostgresHealth = { state: 'up' | 'down' | 'unsafe' | 'no_commits'; problems: string[] };

export type HealthParts = {
  isDraining: () => boolean;
  lookAtPostgres: () => Promise<PostgresHealth>;
  isRedisUp: () => Promise<boolean>;
  isLeaseHeld: () => boolean;
};

/** The health checks of a process. Any number of callers cost each store one look a second. */
export function healthChecks(parts: HealthParts) {
  const lookAtPostgres = shareForASecond(parts.lookAtPostgres);
  const isRedisUp = shareForASecond(parts.isRedisUp);
  return {
    live,
    ready: ready({ ...parts, lookAtPostgres, isRedisUp }),
    verify: canVerify({ ...parts, lookAtPostgres }),
  };
}

/**
 * Liveness: the event loop turns. Dependencies are not checked, because a restart does not repair
 * them.
 */
const live: RequestHandler = (_req, res) => {
  res.json({ status: 'live' });
};

/**
 * Readiness: not draining, and Postgres commits safely, which mint, refresh and revoke need.
 * Without Redis or a lease the service is slower but complete. That is `degraded`, and no reason to
 * stop traffic.
 */
function ready(parts: HealthParts): RequestHandler {
  return async (_req, res) => {
    const [postgres, isRedisUp] = await Promise.all([parts.lookAtPostgres(), parts.isRedisUp()]);
    const lease = parts.isLeaseHeld();
    const isReady = postgres.state === 'up' && !parts.isDraining();
    const status = isReady ? (isRedisUp && lease ? 'ready' : 'degraded') : 'unavailable';
    res.status(isReady ? 200 : 503).json({
      status,
      draining: parts.isDraining(),
      checks: {
        postgres: postgres.state,
        redis: isRedisUp ? 'up' : 'down',
        lease: lease ? 'held' : 'lapsed',
      },
      ...(postgres.problems.length > 0 && { problems: postgres.problems }),
    });
  };
}

/**
 * Whether verifications should come here: while the lease is held, which needs no look at any
 * store, or while Postgres commits. A load balancer in front of verifiers asks this one, since
 * `ready` takes all of them away when Postgres is gone and their leases still carry verification.
 */
function canVerify(parts: HealthParts): RequestHandler {
  return async (_req, res) => {
    const isDraining = parts.isDraining();
    if (parts.isLeaseHeld())
      return answerVerifying(res, { isDraining, lease: 'held', postgres: 'not_asked' });
    const { state } = await parts.lookAtPostgres();
    answerVerifying(res, { isDraining, lease: 'lapsed', postgres: state });
  };
}

type Verifying = {
  isDraining: boolean;
  lease: 'held' | 'lapsed';
  postgres: PostgresHealth['state'] | 'not_asked';
};

function answerVerifying(res: Response, { isDraining, lease, postgres }: Verifying): void {
  const isVerifying = !isDraining && (postgres === 'up' || postgres === 'not_asked');
  const status = isVerifying ? (lease === 'held' ? 'ready' : 'degraded') : 'unavailable';
  res.status(isVerifying ? 200 : 503).json({ status, draining: isDraining, checks: { lease, postgres } });
}

/** Caches an answer for a second, and shares the look while it runs. */
function shareForASecond<T>(look: () => Promise<T>): () => Promise<T> {
  let answer: Promise<T> | undefined;
  let freshUntilMs = 0;
  return () => {
    if (answer === undefined || performance.now() >= freshUntilMs) {
      freshUntilMs = Number.POSITIVE_INFINITY;
      answer = look().finally(() => {
        freshUntilMs = performance.now() + lookEveryMs;
      });
    }
    return answer;
  };
}
