import { type AuditEvent, newAuditEvent, systemOrigin } from '../../domain/audit-event.ts';
import { FlowplateError } from '../../domain/errors.ts';
import type { Idempotency } from '../../domain/idempotency.ts';
import { revokesNothing } from '../../domain/key-change.ts';
import type { Keyring } from '../../domain/key-digest.ts';
import { type Caller, originOf, queueOf, requireVisible } from '../../domain/principal.ts';
import { requireFuture } from '../../domain/require-future.ts';
import { type Key, type KeySettings, statusAt } from '../../domain/user-key.ts';
import type { Tx } from '../../stores/postgres/database.ts';
import { findOrganization } from '../../stores/postgres/organizations/organizations.ts';
import {
  type InsertMint,
  insertMints,
  type Mint,
  type MintOutcome,
} from '../../stores/postgres/user-keys/minted-keys.ts';
import { expireKey, findActiveKey } from '../../stores/postgres/user-keys/user-keys.ts';
import { credentialEnded, requireStillAuthorized } from '../authority.ts';
import { type ChangeParts, commitChange } from '../change.ts';
import { idempotent, type Replayed } from '../idempotent.ts';
import { ensureOrganization } from '../organizations/ensure-organization.ts';
import { issueSecret, type MintedKey, toMintedKey } from './issue-secret.ts';
import { keyEvent } from './key-events.ts';

export type MintRequest = KeySettings & { userId: string; organizationId: string; environment: string };

export type MintParts = ChangeParts & { keyring: Keyring; insertMint: InsertMint };

/**
 * Rounds of removing an obstacle and trying again. More of them mean that others keep taking the
 * place.
 */
const roundsMax = 4;

/**
 * Mints the one active key of a (user, organization, environment). The organization and the
 * environment are created on first use. Only this answer has the secret. Errors:
 * `KEY_ALREADY_EXISTS` with its `key_id`, also in a race; `ORGANIZATION_SUSPENDED`;
 * `INSUFFICIENT_PERMISSIONS` outside the caller's allow-lists. The key, its audit event and the
 * kept answer are one transaction.
 */
export async function mintKey(
  parts: MintParts,
  caller: Caller,
  request: MintRequest,
  idempotency?: Idempotency,
): Promise<Replayed<MintedKey>> {
  requireVisible(caller.principal, request.organizationId, request.environment);
  const now = parts.clock.now();
  const minted = await idempotent<MintedKey>({ ...parts, now }, idempotency, async (keep) => {
    requireFuture(request.expiresAt, now);
    const { secret, key, digest } = issueSecret(parts, request, now);
    const answer = toMintedKey(secret, key);
    const mint = { key, digest, event: mintEvent(parts, caller, key) };
    for (let round = 1; ; round++) {
      const outcome =
        idempotency === undefined
          ? await parts.insertMint(mint)
          : await parts.connections.run(queueOf(caller.principal), () =>
              insertAndKeep(parts, mint, (tx) => keep(tx, answer)),
            );
      if (outcome === 'minted') return answer;
      if (outcome === 'unauthorized') throw credentialEnded();
      await makeRoom(parts, caller, key, round);
    }
  });
  if (minted.isReplay) await requireStillAuthorized(parts, caller);
  return minted;
}

function mintEvent({ randomBytes }: MintParts, caller: Caller, key: Key): AuditEvent {
  return newAuditEvent({ now: key.createdAt, randomBytes }, originOf(caller), keyEvent('key.minted', key));
}

function insertAndKeep(parts: MintParts, mint: Mint, keep: (tx: Tx) => Promise<void>): Promise<MintOutcome> {
  return parts.db.transaction().execute(async (tx) => {
    const [outcome = 'obstructed'] = await insertMints(tx, [mint]);
    if (outcome === 'minted') await keep(tx);
    return outcome;
  });
}

/** Finds the obstacle of a mint: removes it, or throws it as an error. */
async function makeRoom(parts: MintParts, caller: Caller, key: Key, round: number): Promise<void> {
  const organization = await findOrganization(parts.db, key.organizationId);
  if (organization !== undefined && organization.status !== 'active') {
    throw new FlowplateError('ORGANIZATION_SUSPENDED');
  }
  const active = await findActiveKey(parts.db, key);
  const isExpired = active !== undefined && statusAt(active, parts.clock.earliest()) === 'expired';
  if (active !== undefined && !isExpired) {
    throw new FlowplateError('KEY_ALREADY_EXISTS', { details: { key_id: active.id } });
  }
  if (round >= roundsMax) throw new FlowplateError('OVERLOADED', { retryAfterSeconds: 1 });
  if (active === undefined) await createHome(parts, caller, key);
  else await endExpired(parts, active);
}

async function createHome(parts: MintParts, by: Caller, key: Key): Promise<void> {
  const { organizationId: id, environment } = key;
  await commitChange(parts, { by }, async (tx, now) => ({
    answer: {},
    events: await ensureOrganization(parts, tx, { id, name: id, environments: [environment] }, now),
    revokes: revokesNothing,
  }));
}

async function endExpired(parts: MintParts, active: Key): Promise<void> {
  await commitChange(parts, { by: systemOrigin }, async (tx, now) => {
    const isExpired = await expireKey(tx, active.id, now);
    return {
      answer: {},
      events: isExpired ? [keyEvent('key.expired', active)] : [],
      revokes: revokesNothing,
    };
  });
}
