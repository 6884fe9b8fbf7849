import type { Verifiers } from './use-overview.ts';

type Verifier = Verifiers['data'][number];

/**
 * A healthy verifier applies a change within milliseconds. A revoke answers `pending` after 2 s.
 */
const delayMs = 2_000;

/** Verifiers that hold a lease and do not confirm what has changed: revokes wait for them. */
export function lateVerifiers(verifiers: readonly Verifier[]): Verifier[] {
  return verifiers.filter(({ state, behind_ms }) => state === 'live' && behind_ms > delayMs);
}

/** Seconds until the leases of all of them have ended. */
export function lateness(late: readonly Verifier[]): number {
  return Math.ceil(Math.max(...late.map(({ lease_left_ms }) => lease_left_ms)) / 1_000);
}

export function lateVerifierName(
  { id, master_key_id }: Verifier,
  nameOf: (id: string) => string | undefined,
): string {
  if (master_key_id === null) return `the API process ${id.slice(0, 8)}`;
  return `the verifier of ${nameOf(master_key_id) ?? master_key_id}`;
}
