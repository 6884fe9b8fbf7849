import type { Idempotency } from '../../domain/idempotency.ts';
import type { Caller } from '../../domain/principal.ts';
import { requireStillAuthorized } from '../authority.ts';
import type { Replayed } from '../idempotent.ts';
import type { Minted, MintParts, MintRequest } from './mint-key.ts';
import { mintOrReplay } from './mint-or-replay.ts';

type Wanted = { request: MintRequest; idempotency: Idempotency | undefined };

/**
 * Mints many keys, each as `mintKey` would alone, and together in few statements. One that fails
 * changes nothing for the others. One outcome for each, in order; it never rejects.
 */
export async function mintKeys(
  parts: MintParts,
  caller: Caller,
  wanted: readonly Wanted[],
): Promise<PromiseSettledResult<Replayed<Minted>>[]> {
  const outcomes = await Promise.allSettled(
    wanted.map(({ request, idempotency }) => mintOrReplay(parts, caller, request, idempotency)),
  );
  if (!outcomes.some(isReplay)) return outcomes;
  // Once for all of them: it is a transaction, and a repeated body has thousands of replays.
  const [authorized] = await Promise.allSettled([requireStillAuthorized(parts, caller)]);
  if (authorized.status === 'fulfilled') return outcomes;
  return outcomes.map((outcome) => (isReplay(outcome) ? authorized : outcome));
}

function isReplay(outcome: PromiseSettledResult<Replayed<Minted>>): boolean {
  return outcome.status === 'fulfilled' && outcome.value.isReplay;
}
