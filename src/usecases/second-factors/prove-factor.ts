import type { Clock } from '../../domain/clock.ts';
import type { Keyring } from '../../domain/key-digest.ts';
import type {
  EnrolledKind,
  SecondFactorKind,
  SecondFactorProof,
  SecondFactorSetting,
} from '../../domain/second-factor.ts';
import type { Tx } from '../../stores/postgres/database.ts';
import { findEnrolledKinds, lockSecondFactors } from '../../stores/postgres/second-factors/second-factors.ts';
import { useSecondFactor } from './use-second-factor.ts';

/** `proved` with null: the account has no second factor, so none is needed. */
export type Proving =
  | { kind: 'proved'; secondFactor: SecondFactorKind | null }
  | { kind: 'wrong'; secondFactor: SecondFactorKind }
  | { kind: 'ask'; kinds: EnrolledKind[] };

/**
 * The second factor of a login, in its transaction: needed only where the account has one. A wrong
 * proof is counted, so the caller commits either way. `TOO_MANY_ATTEMPTS`.
 */
export async function proveFactor(
  tx: Tx,
  parts: { keyring: Keyring; clock: Clock; secondFactor: SecondFactorSetting },
  login: { userId: string; proof: SecondFactorProof | undefined; page: URL | undefined },
): Promise<Proving> {
  if (parts.secondFactor === 'off') return { kind: 'proved', secondFactor: null };
  const { userId, proof, page } = login;
  await lockSecondFactors(tx, userId);
  const kinds = await findEnrolledKinds(tx, userId);
  if (kinds.length === 0) return { kind: 'proved', secondFactor: null };
  if (proof === undefined) return { kind: 'ask', kinds };
  const isGood = await useSecondFactor(tx, parts, { userId, proof, page, purpose: 'log in' });
  return { kind: isGood ? 'proved' : 'wrong', secondFactor: proof.kind };
}
