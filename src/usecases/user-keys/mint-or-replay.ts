import { type AuditEvent, newAuditEvent, systemOrigin } from '../../domain/audit-event.ts';
import { FlowplateError } from '../../domain/errors.ts';
import type { Idempotency } from '../../domain/idempotency.ts';
import { revokesNothing } from '../../domain/key-change.ts';
import { type Caller, originOf, queueOf, requireVisible } from '../../domain/principal.ts';
import { requireFuture } from '../../domain/require-future.ts';
import { type Key, statusAt } from '../../domain/user-key.ts';
import { hasEnvironment } from '../../stores/postgres/organizations/environments.ts';
import { findPolicy } from '../../stores/postgres/organizations/policies.ts';
import { endStoppedKeysOf } from '../../stores/postgres/user-keys/key-stops.ts';
import { isBoundReached, isMinted } from '../../stores/postgres/user-keys/minted-keys.ts';
import { expireKey, findActiveKey, lockUserKeys } from '../../stores/postgres/user-keys/user-keys.ts';
import { credentialEnded } from '../authority.ts';
import { type ChangeParts, commitChange } from '../change.ts';
import { idempotent, type Replayed } from '../idempotent.ts';
import { ensureOrganization } from '../organizations/ensure-organization.ts';
import { boundReached } from './bound-reached.ts';
import { type CompliantKey, complyWithPolicy } from './comply-with-policy.ts';
import { issueSecret, toMintedKey } from './issue-secret.ts';
import { keyEvent } from './key-events.ts';

import type { Home, Minted, MintParts, MintRequest } from './mint-key.ts';

/**
 * Rounds of removing an obstacle and trying again. More of them mean that others keep taking the
 * place.
 */
const roundsMax = 4;

/** `mintKey` without the last check of a replay: that the caller may still see the secret. */
export async function mintOrReplay(
  parts: MintParts,
  caller: Caller,
  request: MintRequest,
  idempotency: Idempotency | undefined,
): Promise<Replayed<Minted>> {
  requireVisible(caller.principal, request.organizationId, request.environment);
  const now = parts.clock.now();
  return idempotent<Minted>({ ...parts, now }, idempotency, async (seal) => {
    requireFuture(request.expiresAt, now);
    const { isCanary = false, ...settings } = request;
    const issued = issueSecret(parts, caller.principal, settings, now);
    const { secret, key: wanted } = issued;
    // Nothing hashes to random bytes: no verifier finds the key.
    const digest = isCanary
      ? { ...issued.digest, digest: Buffer.from(parts.randomBytes(issued.digest.digest.length)) }
      : issued.digest;
    const canary = isCanary ? issued.digest : undefined;
    const event = mintEvent(parts, caller, wanted, isCanary);
    const noteMinted = parts.noteMint();
    let home: Pick<Minted, 'created'> = {};
    let round = 0;
    for (;;) {
      const compliant = await complyWithPolicy(parts, wanted);
      const { key } = compliant;
      const answer: Minted = { ...toMintedKey(secret, key), ...defaultsOf(wanted, key), ...home };
      const outcome = await parts.insertMint({
        ...compliant,
        digest,
        event,
        kept: seal(answer)?.answer,
        canary,
      });
      if (isMinted(outcome)) {
        noteMinted({ ...key, ...outcome }, digest);
        return answer;
      }
      if (outcome === 'unauthorized') throw credentialEnded();
      if (isBoundReached(outcome)) throw boundReached(outcome);
      if (outcome === 'crowded') continue;
      round++;
      const created = await parts.obstacles.run(queueOf(caller.principal), () =>
        makeRoom(parts, caller, compliant, round),
      );
      if (created !== undefined) home = { created };
    }
  });
}

/** Settings that only the policy gave, for the answer; its `expiresAt` is there already. */
function defaultsOf(wanted: Key, { rateLimit, quota }: Key): Pick<Minted, 'defaults'> {
  const defaults = {
    ...(rateLimit !== wanted.rateLimit && { rateLimit }),
    ...(quota !== wanted.quota && { quota }),
  };
  return Object.keys(defaults).length === 0 ? {} : { defaults };
}

/** The audit log alone tells a canary from other keys. */
function mintEvent({ randomBytes }: MintParts, caller: Caller, key: Key, isCanary: boolean): AuditEvent {
  const minted = keyEvent('key.minted', key, isCanary ? { canary: true } : {});
  return newAuditEvent({ now: key.createdAt, randomBytes }, originOf(caller), minted);
}

/**
 * Finds the obstacle of a mint: removes it, or throws it as an error. Returns what it had to
 * create.
 */
async function makeRoom(
  parts: MintParts,
  caller: Caller,
  { key, policyVersion }: CompliantKey,
  round: number,
): Promise<Home | undefined> {
  const organization = await findPolicy(parts.db, key.organizationId);
  if (organization !== undefined && organization.status !== 'active') {
    throw new FlowplateError('ORGANIZATION_SUSPENDED');
  }
  if (organization !== undefined && organization.version !== policyVersion && round < roundsMax) {
    parts.policies.remember(key.organizationId, organization);
    return undefined;
  }
  const active = await findActiveKey(parts.db, key);
  const status = active && statusAt(active, parts.clock.earliest());
  if (active !== undefined && status !== 'expired' && status !== 'revoked') {
    throw new FlowplateError('KEY_ALREADY_EXISTS', { details: { key_id: active.id } });
  }
  if (round >= roundsMax) throw new FlowplateError('OVERLOADED', { retryAfterSeconds: 1 });
  if (active !== undefined) {
    await (status === 'revoked' ? endStopped(parts, active) : endExpired(parts, active));
    return undefined;
  }
  // Another mint has created it meanwhile.
  if (organization !== undefined && (await hasEnvironment(parts.db, key.organizationId, key.environment)))
    return undefined;
  if (parts.strictOrganizations) requireHome(parts, key, organization !== undefined);
  return createHome(parts, caller, key);
}

function requireHome(parts: MintParts, key: Key, hasOrganization: boolean): void {
  const { organizationId, environment } = key;
  if (!hasOrganization) {
    throw new FlowplateError('ORGANIZATION_NOT_FOUND', {
      systemMessage: 'No such organization. STRICT_ORGANIZATIONS is on: create it before its first key',
      details: { organization_id: organizationId },
    });
  }
  if (environment === parts.environment) return;
  throw new FlowplateError('ENVIRONMENT_NOT_FOUND', {
    systemMessage: 'No such environment. STRICT_ORGANIZATIONS is on: create it before its first key',
    details: { organization_id: organizationId, environment },
  });
}

/**
 * Says what was created by this call: another mint may have been first. Hundreds of mints for a new
 * organization may come together, and one of them creates it.
 */
export function createHome(
  parts: ChangeParts & Pick<MintParts, 'homes'>,
  by: Caller,
  key: Key,
): Promise<Home | undefined> {
  const { organizationId: id, environment } = key;
  return parts.homes.run(`${by.principal.id} ${id} ${environment}`, async () => {
    const { answer } = await commitChange(parts, { by }, async (tx, now) => {
      const events = await ensureOrganization(parts, tx, { id, name: id, environments: [environment] }, now);
      return { answer: { types: events.map(({ eventType }) => eventType) }, events, revokes: revokesNothing };
    });
    if (answer.types.includes('organization.created')) return 'organization';
    return answer.types.includes('environment.created') ? 'environment' : undefined;
  });
}

/** Writes a stop into the row of the key, before the worker comes to it. */
export async function endStopped(parts: ChangeParts, active: Key): Promise<void> {
  await commitChange(parts, { by: systemOrigin }, async (tx) => {
    await lockUserKeys(tx, active.userId);
    await endStoppedKeysOf(tx, active);
    return { answer: {}, events: [], revokes: revokesNothing };
  });
}

export async function endExpired(parts: ChangeParts, active: Key): Promise<void> {
  await commitChange(parts, { by: systemOrigin }, async (tx, now) => {
    const isExpired = await expireKey(tx, active.id, now);
    return {
      answer: {},
      events: isExpired ? [keyEvent('key.expired', active)] : [],
      revokes: revokesNothing,
    };
  });
}
