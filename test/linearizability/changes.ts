import { setTimeout as sleep } from 'node:timers/promises';
import { FlowplateError } from '../../src/domain/errors.ts';
import type { StopSubject } from '../../src/domain/key-stop.ts';
import { toPropagation } from '../../src/http/propagation.ts';
import { lockUserKeys } from '../../src/stores/postgres/user-keys/user-keys.ts';
import { setOrganizationStatus } from '../../src/usecases/organizations/set-organization-status.ts';
import { expireDueKeys } from '../../src/usecases/user-keys/expire-due-keys.ts';
import { stopKeys } from '../../src/usecases/user-keys/stop-keys.ts';
import { attempt, type Outcome } from '../support/attempt.ts';
import type { Call } from '../support/call.ts';
import { keysPath } from '../support/keys.ts';
import { reportLeak } from '../support/leaks.ts';
import { callerWith } from '../support/use-case-parts.ts';
import type { Action } from './action.ts';
import type { Owner } from './contradictions.ts';
import type { Operator } from './fleet.ts';
import type { Ended } from './recorder.ts';

type Known = Exclude<Outcome, string>;

/**
 * A change waits for verifiers for two seconds; whoever answers later than this does not answer.
 */
const answerMsMax = 3_500;

/** The key's secret, by which it is verified, and its id, by which it is changed. */
export type KnownKey = { key: string; id: string };

export async function mint(call: Call, owner: Owner, onKey: (key: KnownKey) => void): Promise<Ended> {
  const body = { user_id: owner.userId, organization_id: owner.organizationId };
  return ended(
    () => call(`POST ${keysPath}`, { body }),
    { kind: 'mint', outcome: 'unknown' },
    {
      201: (answer) => {
        onKey({ key: answer.body.key, id: answer.body.key_id });
        return { kind: 'mint', outcome: 'minted', key: answer.body.key };
      },
      403: () => ({ kind: 'mint', outcome: 'suspended' }),
      409: () => ({ kind: 'mint', outcome: 'exists' }),
    },
  );
}

export async function refresh(call: Call, owner: Owner, onKey: (key: KnownKey) => void): Promise<Ended> {
  return ended(
    () => call(`POST ${keysPath}/${owner.userId}/${owner.organizationId}/refresh`, { body: {} }),
    { kind: 'refresh', outcome: 'unknown' },
    {
      200: ({ body: { new_key } }) => {
        onKey({ key: new_key.key, id: new_key.key_id });
        return { kind: 'refresh', outcome: 'refreshed', key: new_key.key };
      },
      403: () => ({ kind: 'refresh', outcome: 'suspended' }),
      404: () => ({ kind: 'refresh', outcome: 'absent' }),
    },
  );
}

export async function revokeByOwner(call: Call, owner: Owner): Promise<Ended> {
  const revoked = ({ body }: Known): Action => ({
    kind: 'revoke',
    // The active key, and others in quarantine.
    outcome: body.revoked_count > 0 ? 'revoked' : 'absent',
  });
  return ended(
    () => call(`DELETE ${keysPath}/${owner.userId}/${owner.organizationId}`),
    { kind: 'revoke', outcome: 'unknown' },
    { 200: revoked, 202: revoked, 404: () => ({ kind: 'revoke', outcome: 'absent' }) },
  );
}

export async function revokeById(call: Call, { id, key }: KnownKey): Promise<Ended> {
  const revoked = ({ body }: Known): Action => ({
    kind: 'revoke',
    outcome: body.revoked_count === 1 ? 'revoked' : 'absent',
    key,
  });
  return ended(
    () => call(`DELETE ${keysPath}/${id}`),
    { kind: 'revoke', outcome: 'unknown', key },
    { 200: revoked, 202: revoked, 404: () => ({ kind: 'revoke', outcome: 'absent', key }) },
  );
}

/** In every organization: whichever of them had a key, none has one afterwards. */
export async function revokeByUser(call: Call, userId: string): Promise<Ended> {
  const revoked = (): Action => ({ kind: 'revoke', outcome: 'ended' });
  return ended(
    () => call(`DELETE ${keysPath}/user/${userId}`),
    { kind: 'revoke', outcome: 'unknown' },
    { 200: revoked, 202: revoked, 404: revoked },
  );
}

export async function turn(call: Call, kind: 'enable' | 'disable', { id, key }: KnownKey): Promise<Ended> {
  return ended(
    () => call(`PATCH ${keysPath}/${id}`, { body: { enabled: kind === 'enable' } }),
    { kind, outcome: 'unknown', key },
    {
      200: () => ({ kind, outcome: 'done', key }),
      404: () => ({ kind, outcome: 'inactive', key }),
      409: () => ({ kind, outcome: 'inactive', key }),
    },
  );
}

/** By a scanner. A pending report is certain after one lease: its answer has no time. */
export async function report(call: Call, { key }: KnownKey, leaseMs: number): Promise<Ended> {
  const done = (): Action => ({ kind: 'report', outcome: 'done', key });
  let isPending = false;
  const answered = await ended(
    () => reportLeak({ call }, key),
    { kind: 'report', outcome: 'unknown', key },
    {
      200: done,
      202: () => {
        isPending = true;
        return done();
      },
    },
  );
  return answered === 'nothing' || !isPending
    ? answered
    : { ...answered, effectiveByMs: Date.now() + leaseMs };
}

export async function release(call: Call, { id, key }: KnownKey): Promise<Ended> {
  return ended(
    () => call(`POST ${keysPath}/${id}/release`),
    { kind: 'release', outcome: 'unknown', key },
    {
      200: ({ body }) => ({ kind: 'release', outcome: 'done', key, enabled: body.enabled }),
      404: () => ({ kind: 'release', outcome: 'inactive', key }),
      409: ({ body }) => {
        const outcome = body.error.code === 'KEY_ALREADY_EXISTS' ? 'exists' : 'inactive';
        return { kind: 'release', outcome, key };
      },
    },
  );
}

/** The hour of a quarantine passes, and then the sweep comes. */
export async function lapse(operator: Operator, owner: Owner, { id, key }: KnownKey): Promise<Ended> {
  const pass = () =>
    operator.db.transaction().execute(async (tx) => {
      await lockUserKeys(tx, owner.userId);
      return tx
        .updateTable('api_keys')
        .set({ quarantined_until: new Date(Date.now() - sweptAfterMs) })
        .where('id', '=', id)
        .where('quarantined_until', '>', new Date())
        .executeTakeFirst();
    });
  return pass().then(
    async ({ numUpdatedRows }): Promise<Ended> => {
      await expireDueKeys(operator).catch(() => 0);
      return { action: { kind: 'lapse', outcome: numUpdatedRows > 0n ? 'done' : 'inactive', key } };
    },
    (): Ended => ({ action: { kind: 'lapse', outcome: 'unknown', key } }),
  );
}

const sweptAfterMs = 120_000;

export async function setStatus(
  operator: Operator,
  organizationId: string,
  kind: 'suspend' | 'resume',
): Promise<Ended> {
  const status = kind === 'suspend' ? 'suspended' : 'active';
  const origin = { actor: { kind: 'shell' as const, id: 'test' }, requestId: null };
  return setOrganizationStatus(operator, origin, { organizationId, status }).then(
    (propagation) => {
      const effectiveMs = effectiveByMs(toPropagation(propagation));
      return { action: { kind, outcome: 'done' }, effectiveByMs: effectiveMs };
    },
    (fault) => {
      if (fault instanceof FlowplateError && fault.code === 'ORGANIZATION_NOT_FOUND') return 'nothing';
      return { action: { kind, outcome: 'unknown' } };
    },
  );
}

/** All keys of a subject at once, by a master key that sees them all. */
export async function stopAll(operator: Operator, subject: StopSubject): Promise<Ended> {
  const order = async () => {
    const { id } = await operator.db
      .selectFrom('master_keys')
      .select('id')
      .limit(1)
      .executeTakeFirstOrThrow();
    return stopKeys(operator, callerWith({ id }), subject);
  };
  return order().then(
    (stopped): Ended => {
      if (stopped === undefined) throw new Error('every process of the fleet knows stops');
      const effectiveMs = effectiveByMs(toPropagation(stopped.propagation));
      return { action: { kind: 'revoke', outcome: 'ended' }, effectiveByMs: effectiveMs };
    },
    (): Ended => ({ action: { kind: 'revoke', outcome: 'unknown' } }),
  );
}

/** The id of the master key by which all keys of the fleet are minted. */
export async function minterOf({ db }: Operator): Promise<StopSubject> {
  const [key] = await db
    .selectFrom('api_keys')
    .select('minted_by')
    .where('minted_by', 'is not', null)
    .limit(1)
    .execute();
  return { kind: 'minted_by', subject: key?.minted_by ?? '' };
}

/** A status that is not in the table is a fault of ours or of the test, and ends the run. */
async function ended(
  call: () => Promise<Known>,
  unknown: Action,
  actions: Record<number, (answer: Known) => Action>,
): Promise<Ended> {
  const late = new AbortController();
  const answer = await Promise.race([
    attempt(call),
    sleep(answerMsMax, 'unknown' as const, { signal: late.signal }),
  ]);
  late.abort();
  if (answer === 'unreached') return 'nothing';
  if (answer === 'unknown') return { action: unknown };
  const toAction = actions[answer.status];
  if (toAction === undefined) {
    throw new Error(`${unknown.kind} was answered ${answer.status} ${JSON.stringify(answer.body)}`);
  }
  return { action: toAction(answer), effectiveByMs: effectiveByMs(answer.body) };
}

/** Undefined for what is complete, and for what changed nothing. */
function effectiveByMs(answer: Partial<ReturnType<typeof toPropagation>>): number | undefined {
  const { propagation, propagation_detail: detail } = answer;
  return propagation === 'pending' && detail !== undefined ? Date.parse(detail.effective_by) : undefined;
}
