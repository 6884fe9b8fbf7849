import type { FairBulkhead } from '../../concurrency/fair-bulkhead.ts';
import type { SingleFlight } from '../../concurrency/single-flight.ts';
import type { Idempotency } from '../../domain/idempotency.ts';
import type { KeyDigest, Keyring } from '../../domain/key-digest.ts';
import type { Caller } from '../../domain/principal.ts';
import type { Key, KeySettings } from '../../domain/user-key.ts';
import type { FindSealedAnswer } from '../../stores/postgres/idempotency-keys.ts';
import type { InsertMint } from '../../stores/postgres/user-keys/minted-keys.ts';
import { requireStillAuthorized } from '../authority.ts';
import type { ChangeParts } from '../change.ts';
import type { Replayed } from '../idempotent.ts';
import type { RememberedPolicies } from '../organizations/remembered-policies.ts';
import type { MintedKey } from './issue-secret.ts';

import { mintOrReplay } from './mint-or-replay.ts';

export type MintRequest = KeySettings & {
  userId: string;
  organizationId: string;
  environment: string;
  /** Bait: a key that is never valid, and tells of each use. */
  isCanary?: boolean;
};

export type MintParts = ChangeParts & {
  keyring: Keyring;
  insertMint: InsertMint;
  findSealedAnswer: FindSealedAnswer;
  policies: RememberedPolicies;
  /** Called before a mint, and its result when the key is there. */
  noteMint: () => (key: Key, digest: KeyDigest) => void;
  /**
   * Callers take turns at looking for what is in the way: a body of lines for a new organization
   * must not take all connections.
   */
  obstacles: FairBulkhead;
  /** Creations of organizations and environments that are under way. */
  homes: SingleFlight;
  /** The deployment's own environment, which a mint may create in any case. */
  environment: string;
  /** Whether a mint refuses organizations and environments that do not exist. */
  strictOrganizations: boolean;
};

/** A new key, the first of its home that the mint created, and what the policy gave it. */
export type Minted = MintedKey & {
  created?: Home;
  defaults?: Partial<Pick<KeySettings, 'rateLimit' | 'quota'>>;
};
export type Home = 'organization' | 'environment';

/**
 * Mints the one active key of a (user, organization, environment). The organization and the
 * environment are created on first use, unless the deployment is strict. Only this answer has the
 * secret. Errors: `KEY_ALREADY_EXISTS` with its `key_id`, also in a race; `ORGANIZATION_SUSPENDED`;
 * `ORGANIZATION_NOT_FOUND` and `ENVIRONMENT_NOT_FOUND` of a strict deployment;
 * `INSUFFICIENT_PERMISSIONS` outside the caller's allow-lists; `VALIDATION_ERROR` naming the rules
 * of the organization's policy; beyond the master key's bounds `RATE_LIMITED` and
 * `MINT_QUOTA_EXCEEDED`. The key, its audit event and the kept answer are one transaction.
 */
export async function mintKey(
  parts: MintParts,
  caller: Caller,
  request: MintRequest,
  idempotency?: Idempotency,
): Promise<Replayed<Minted>> {
  const minted = await mintOrReplay(parts, caller, request, idempotency);
  if (minted.isReplay) await requireStillAuthorized(parts, caller);
  return minted;
}
