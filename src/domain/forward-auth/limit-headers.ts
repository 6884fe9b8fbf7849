import type { Verdict } from '../verdict.ts';

/**
 * Rate-limit headers (draft-ietf-httpapi-ratelimit-headers) of the limits that a verdict names.
 * Empty without a limit. `nowMs` is by the clock by which the limits were decided: the local one
 * may be minutes away from it.
 */
export function limitHeaders({ rate_limit, quota }: Verdict, nowMs: number): Record<string, string> {
  if (rate_limit === undefined && quota === undefined) return {};
  const policies: string[] = [];
  const states: string[] = [];
  for (const [name, state, seconds] of [
    ['rate', rate_limit, rate_limit?.window_seconds],
    ['quota', quota, undefined],
  ] as const) {
    if (state === undefined) continue;
    policies.push(`"${name}";q=${state.limit}${seconds === undefined ? '' : `;w=${seconds}`}`);
    if (state.remaining !== null)
      states.push(`"${name}";r=${state.remaining};t=${secondsUntil(state.reset_at, nowMs)}`);
  }
  return {
    ...(policies.length > 0 && { 'RateLimit-Policy': policies.join(', ') }),
    ...(states.length > 0 && { RateLimit: states.join(', ') }),
  };
}

/** Seconds until the limit that refused the call is reset. */
export function retryAfter({ code, rate_limit, quota }: Verdict, nowMs: number): string {
  const state = code === 'QUOTA_EXCEEDED' ? quota : rate_limit;
  return String(secondsUntil(state?.reset_at ?? null, nowMs));
}

function secondsUntil(resetAt: string | null, nowMs: number): number {
  return resetAt === null ? 1 : Math.max(1, Math.ceil((Date.parse(resetAt) - nowMs) / 1_000));
}
