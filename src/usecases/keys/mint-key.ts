import { type Origin, systemOrigin } from '../../domain/audit-event.ts';
import type { Clock, RandomBytes } from '../../domain/clock.ts';
import { FlowplateError } from '../../domain/errors.ts';
import type { Idempotency } from '../../domain/idempotency.ts';
import { type Key, type KeySettings, statusAt } from '../../domain/key.ts';
import type { Keyring } from '../../domain/key-digest.ts';
import { type Caller, originOf, requireVisible } from '../../domain/principal.ts';
import type { Turns } from '../../domain/turns.ts';
import { insertAuditEvents } from '../../stores/postgres/audit-events.ts';
import type { Database } from '../../stores/postgres/database.ts';
import { expireKey, findActiveKey } from '../../stores/postgres/keys.ts';
import { type InsertMint, insertMints, type Mint } from '../../stores/postgres/minted-keys.ts';
import { findOrganization } from '../../stores/postgres/organizations.ts';
import { ensureOrganization } from '../organizations/ensure-organization.ts';
import { type Replayed, replayable } from '../replay.ts';
import { issueSecret, type MintedKey, requireFuture, toMintedKey } from './issue-secret.ts';
import { keyEvent } from './key-events.ts';

export type MintRequest = KeySettings & { userId: string; organizationId: string; environment: string };

export type MintParts = {
  db: Database;
  clock: Clock;
  randomBytes: RandomBytes;
  keyring: Keyring;
  turns: Turns;
  insertMint: InsertMint;
};

/** A mint that makes room first is tried again; more rounds than this mean that others keep taking the place. */
const roundsMax = 4;

/**
 * Mints the one active key of a (user, organization, environment). The organization and the environment are created on first
 * use. Answers with the secret, which is nowhere else from then on. Errors: `KEY_ALREADY_EXISTS` with its `key_id`, also in a
 * race; `ORGANIZATION_SUSPENDED`; `INSUFFICIENT_PERMISSIONS` outside the caller's allow-lists. The key, its audit event and
 * the kept answer are one transaction.
 */
export async function mintKey(
  parts: MintParts,
  caller: Caller,
  request: MintRequest,
  idempotency?: Idempotency,
): Promise<Replayed<MintedKey>> {
  requireVisible(caller.principal, request.organizationId, request.environment);
  const now = parts.clock.now();
  return replayable<MintedKey>({ ...parts, now }, idempotency, async (keep) => {
    requireFuture(request.expiresAt, now);
    const { secret, key, digest } = issueSecret(parts, request, now);
    const answer = toMintedKey(secret, key);
    const event = keyEvent({ now, randomBytes: parts.randomBytes }, originOf(caller), 'key.minted', key);
    const mint: Mint = { key, digest, event };
    for (let round = 1; ; round++) {
      const isInserted =
        idempotency === undefined
          ? await parts.insertMint(mint)
          : await parts.db.transaction().execute(async (tx) => {
              const [isMinted = false] = await insertMints(tx, [mint]);
              if (isMinted) await keep(tx, answer);
              return isMinted;
            });
      if (isInserted) return answer;
      await makeRoom(parts, originOf(caller), key, round);
    }
  });
}

/** Finds out why nothing was inserted: removes the obstacle, or says what it is. */
async function makeRoom(parts: MintParts, origin: Origin, key: Key, round: number): Promise<void> {
  const organization = await findOrganization(parts.db, key.organizationId);
  if (organization !== undefined && organization.status !== 'active') {
    throw new FlowplateError('ORGANIZATION_SUSPENDED');
  }
  const active = await findActiveKey(parts.db, key);
  const isExpired = active !== undefined && statusAt(active, key.createdAt) === 'expired';
  if (active !== undefined && !isExpired) {
    throw new FlowplateError('KEY_ALREADY_EXISTS', { details: { key_id: active.id } });
  }
  if (round >= roundsMax) throw new FlowplateError('OVERLOADED', { retryAfterSeconds: 1 });
  if (active === undefined) await createHome(parts, origin, key);
  else await endExpired(parts, active, key.createdAt);
}

async function createHome(parts: MintParts, origin: Origin, key: Key): Promise<void> {
  const at = { now: key.createdAt, randomBytes: parts.randomBytes };
  const { organizationId: id, environment } = key;
  await parts.db
    .transaction()
    .execute((tx) => ensureOrganization(at, tx, origin, { id, name: id, environments: [environment] }));
}

async function endExpired(parts: MintParts, active: Key, now: Date): Promise<void> {
  await parts.db.transaction().execute(async (tx) => {
    if (!(await expireKey(tx, active.id, now))) return;
    const event = keyEvent({ now, randomBytes: parts.randomBytes }, systemOrigin, 'key.expired', active);
    await insertAuditEvents(tx, [event]);
  });
}
