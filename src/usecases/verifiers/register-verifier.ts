import { randomUUID } from 'node:crypto';
import { FlowplateError } from '../../domain/errors.ts';
import type { ToldChange } from '../../domain/key-change.ts';
import { toKeyStop } from '../../domain/key-stop.ts';
import type { MasterKeyPrincipal } from '../../domain/principal.ts';
import { holdMasterKey } from '../../stores/postgres/authority.ts';
import type { Database, Tx } from '../../stores/postgres/database.ts';
import { listRefusedOrganizations } from '../../stores/postgres/organizations/organizations.ts';
import {
  findCatchUpSeq,
  findLastKeyChangeSeq,
  listKeyChangesSince,
} from '../../stores/postgres/verifiers/change-feed.ts';
import {
  deleteEmbeddedVerifier,
  deleteVerifiers,
  lockVerifiers,
} from '../../stores/postgres/verifiers/embedded-verifiers.ts';
import { upsertVerifier } from '../../stores/postgres/verifiers/verifiers.ts';
import { credentialEnded } from '../authority.ts';
import type { ExtendParts } from './extend-lease.ts';
import { requireRoom } from './require-room.ts';
import type { VerifierLimits } from './verifier-limits.ts';
import { isOrganizationVisible, visibleChanges } from './visible-changes.ts';

export type RegisterParts = ExtendParts & { leaseMs: number; limits: VerifierLimits };

export type RegisterRequest = {
  /**
   * Whether the lease begins now, as earlier versions of verifiers expect, or with the first
   * heartbeat.
   */
  isLive: boolean;
  /** How long verifiers of earlier versions remember changes. */
  memoryMs: number;
};

export type Registered = {
  verifierId: string;
  appliedSeq: number;
  refusedOrganizations: string[];
  /** Changes within `memoryMs`; only for a verifier whose lease begins now. */
  recent: readonly ToldChange[];
};

/** About 2 MB in an answer. */
const recentMax = 20_000;
const recentRetrySeconds = 60;

/**
 * Registers a verifier that is embedded in a gateway, and returns the refused organizations. It
 * determines the feed position first and reads the organizations afterwards: in the other order, a
 * suspension in between would be in neither. A lease that begins now is committed before both, so
 * that a change in between is waited for. The position is the end of the feed, since the verifier's
 * cache is empty. Errors: `RATE_LIMITED`, `AUTHENTICATION_REQUIRED`; `OVERLOADED` when too many
 * recent changes exist for a verifier of an earlier version.
 */
export async function registerVerifier(
  parts: RegisterParts,
  principal: MasterKeyPrincipal,
  { isLive, memoryMs }: RegisterRequest,
): Promise<Registered> {
  const { db, turns, limits } = parts;
  limits.countRegistration(principal.id, performance.now());
  if (isLive) await requireFewChanges(db, memoryMs);
  const id = randomUUID();
  const appliedSeq = await turns.run(`verifiers ${principal.id}`, () =>
    db.transaction().execute((tx) => insert(tx, parts, { id, masterKeyId: principal.id, isLive })),
  );
  const refused = await listRefusedOrganizations(db);
  const recent = isLive ? await listKeyChangesSince(db, memoryMs) : [];
  if (recent.some((change) => toKeyStop(change) !== undefined)) {
    await deleteEmbeddedVerifier(db, { id, masterKeyId: principal.id });
    throw mayNotBeLiveNow('Keys were stopped all at once lately');
  }
  return {
    verifierId: id,
    appliedSeq,
    refusedOrganizations: refused.filter((organizationId) =>
      isOrganizationVisible(principal, organizationId),
    ),
    // Skips organization changes: the list above holds their current state.
    recent: visibleChanges(
      principal,
      recent.filter((change) => change.kind !== 'organization'),
    ),
  };
}

/** Returns the start position in the feed. */
async function insert(
  tx: Tx,
  { leaseMs, verifiersMax }: RegisterParts,
  verifier: { id: string; masterKeyId: string; isLive: boolean },
): Promise<number> {
  if (!(await holdMasterKey(tx, verifier.masterKeyId))) throw credentialEnded();
  const others = await lockVerifiers(tx, verifier.masterKeyId);
  requireRoom(others, verifiersMax);
  // Evicts the leases that ended longest ago, beyond a minute's registrations. An evicted verifier
  // registers again.
  const surplus = others.filter(({ isLive }) => !isLive).slice(2 * verifiersMax);
  await deleteVerifiers(
    tx,
    surplus.map(({ id }) => id),
  );
  const appliedSeq = await findLastKeyChangeSeq(tx);
  await upsertVerifier(tx, { ...verifier, appliedSeq, leaseMs });
  return appliedSeq;
}

async function requireFewChanges(db: Database, memoryMs: number): Promise<void> {
  const [lastSeq, firstSeq] = [
    await findLastKeyChangeSeq(db),
    await findCatchUpSeq(db, { ageMs: memoryMs, changesMax: recentMax + 1 }),
  ];
  if (lastSeq - firstSeq > recentMax) throw mayNotBeLiveNow(`More than ${recentMax} changes lately`);
}

function mayNotBeLiveNow(reason: string): FlowplateError {
  return new FlowplateError('OVERLOADED', {
    systemMessage: `${reason}: register with {"lease": "first_heartbeat"}, as newer versions of the SDK do`,
    retryAfterSeconds: recentRetrySeconds,
  });
}
