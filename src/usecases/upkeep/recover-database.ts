import type { Origin } from '../../domain/audit-event.ts';
import type { KeyChange } from '../../domain/key-change.ts';
import { type KeyStop, toKeyStop, toStopChange } from '../../domain/key-stop.ts';
import { beginHistory } from '../../stores/postgres/database-history.ts';
import {
  deleteSessionsAndAnswers,
  type ForgottenApiUser,
  insertForgottenStops,
  type RecoveredKey,
  type Remembered,
  revokeForgottenKeys,
  revokeForgottenMasterKeys,
  revokePlatformKeysOfRoles,
  stopForgottenOrganizations,
  switchOffApiUsers,
  switchOffOperators,
} from '../../stores/postgres/recover-rights.ts';
import { type ChangeParts, change, type EventDraft } from '../change.ts';

/** What the journal says that the database has forgotten, and why it is believed to be all. */
export type Forgotten = {
  /** The newest entry of each key, master key and organization that the journal names. */
  changes: readonly KeyChange[];
  /** Platform users and roles with an entry behind the end of the database's own feed. */
  userIds: readonly string[];
  roleIds: readonly string[];
  /** End of the feed in every history that the journal knows. */
  lastSeq: number;
  /** Why it is recovered without a journal, or with one that is damaged; null with a whole one. */
  acceptedLoss: string | null;
};

export type Recovered = {
  keys: number;
  masterKeys: number;
  organizations: number;
  apiUsers: number;
  stops: number;
  platformUsers: number;
  historyId: string;
};

/** Room for changes that were under way when the database went back. */
const seqsSkipped = 1_000;

/**
 * Takes back what a restored backup brought to life: revokes each key and master key that changed
 * after it, stops organizations, puts stops of keys in force again, and switches off operators and
 * API users whose rights changed. It ends every session and kept answer. A new history begins,
 * which frees verification. All in one transaction, with an audit event for the order and one for
 * each thing.
 */
export async function recoverDatabase(
  parts: ChangeParts,
  by: Origin,
  forgotten: Forgotten,
): Promise<Recovered> {
  const { answer } = await change<Recovered>(parts, { by, ends: 'operators' }, async (tx, now) => {
    const historyId = await beginHistory(tx, forgotten.lastSeq + seqsSkipped);
    const keys = [
      ...(await revokeForgottenKeys(tx, remembered(forgotten, 'key'), now)),
      ...(await revokePlatformKeysOfRoles(tx, forgotten.roleIds, now)),
    ];
    const masterKeys = await revokeForgottenMasterKeys(tx, remembered(forgotten, 'master_key'), now);
    const organizations = await stopForgottenOrganizations(tx, stopped(forgotten), now);
    const apiUsers = await switchOffApiUsers(tx, remembered(forgotten, 'key'), now);
    const stops = await insertForgottenStops(parts, tx, by, stopsOf(forgotten), now);
    const userIds = await switchOffOperators(tx, forgotten, now);
    await deleteSessionsAndAnswers(tx);
    const answer = {
      keys: keys.length,
      masterKeys: masterKeys.length,
      organizations: organizations.length,
      apiUsers: apiUsers.length,
      stops: stops.length,
      platformUsers: userIds.length,
      historyId,
    };
    return {
      answer,
      events: [
        orderEvent(answer, forgotten.acceptedLoss),
        ...keys.map(keyEvent),
        ...masterKeys.map(({ id }) => recoveredEvent('master_key.revoked', id, {})),
        ...organizations.map(({ id, status }) =>
          recoveredEvent('organization.status_changed', id, { status }, id),
        ),
        ...apiUsers.map(apiUserOff),
        ...stops.map(({ id, kind, subject, createdBefore }) =>
          recoveredEvent('keys.stopped', id, { kind, subject, created_before: createdBefore }),
        ),
        ...userIds.map((id) => recoveredEvent('platform.user.updated', id, { is_active: false })),
      ],
      revokes: {
        audience: 'everybody',
        changes: [
          ...keys.map(({ id, revision }) => entry('key', id, revision)),
          ...apiUsers.map(({ keyId, revision }) => entry('key', keyId, revision)),
          ...masterKeys.map(({ id, revision }) => entry('master_key', id, revision)),
          ...organizations.map(({ id, revision, status }) => entry('organization', id, revision, status)),
          ...stops.map(toStopChange),
          ...userIds.map((id) => entry('platform_user', id, 0)),
        ],
      },
    };
  });
  return answer;
}

function remembered({ changes }: Forgotten, wanted: KeyChange['kind']): Remembered[] {
  return changes
    .filter(({ kind }) => kind === wanted)
    .map(({ subjectId, revision }) => ({ id: subjectId, revision }));
}

function stopsOf({ changes }: Forgotten): KeyStop[] {
  return changes.flatMap((change) => toKeyStop(change) ?? []);
}

function stopped({ changes }: Forgotten) {
  return changes.flatMap(({ kind, subjectId, revision, status }) =>
    kind === 'organization' && status !== null && status !== 'active'
      ? [{ id: subjectId, revision, status }]
      : [],
  );
}

function entry(
  kind: KeyChange['kind'],
  subjectId: string,
  revision: number,
  status: string | null = null,
): KeyChange {
  return { kind, subjectId, revision, status };
}

function orderEvent(recovered: Recovered, acceptedLoss: string | null): EventDraft {
  const { keys, masterKeys, organizations, apiUsers, stops, platformUsers, historyId } = recovered;
  const details = {
    keys,
    master_keys: masterKeys,
    organizations,
    api_users: apiUsers,
    stops,
    platform_users: platformUsers,
    accepted_loss: acceptedLoss,
  };
  return { eventType: 'database.recovered', organizationId: null, targetId: historyId, details };
}

function keyEvent({ id, kind, organizationId, environment, keyPrefix }: RecoveredKey): EventDraft {
  const eventType = kind === 'user' ? 'key.revoked' : (`${kind}.key.revoked` as const);
  const details = { environment, key_prefix: keyPrefix };
  return recoveredEvent(eventType, id, details, kind === 'platform' ? null : organizationId);
}

function apiUserOff({ id, role }: ForgottenApiUser): EventDraft {
  return recoveredEvent('api_user.updated', id, { role, is_active: false });
}

function recoveredEvent(
  eventType: EventDraft['eventType'],
  targetId: string,
  details: Record<string, unknown>,
  organizationId: string | null = null,
): EventDraft {
  return { eventType, organizationId, targetId, details: { ...details, by: 'recovery' } };
}
