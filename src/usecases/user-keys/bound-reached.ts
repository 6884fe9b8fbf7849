import { FlowplateError } from '../../domain/errors.ts';
import type { BoundReached } from '../../stores/postgres/user-keys/minted-keys.ts';

const periodSeconds = { minute: 60, hour: 3_600, day: 86_400 };

/** Refusal beyond a bound of the master key: its quota of mints, or its number of living keys. */
export function boundReached(bound: BoundReached): FlowplateError {
  if (bound.reached === 'living_keys_max') {
    return new FlowplateError('MINT_QUOTA_EXCEEDED', {
      details: { bound: 'living_keys_max', limit: bound.limit },
    });
  }
  const { limit, period, resetSeconds } = bound;
  return new FlowplateError('RATE_LIMITED', {
    systemMessage: `This master key may mint ${limit} keys a ${period} (mint_quota)`,
    details: { bound: 'mint_quota', limit, period },
    retryAfterSeconds: resetSeconds,
    limit: {
      name: 'mint_quota',
      limit,
      windowSeconds: periodSeconds[period],
      remaining: 0,
      resetSeconds,
    },
  });
}
