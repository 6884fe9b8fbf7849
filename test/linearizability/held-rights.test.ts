import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { revokeMasterKey } from '../../src/usecases/master-keys/revoke-master-key.ts';
import { startBroker, type TestBroker, testOrigin } from '../support/broker.ts';
import { keysPath, newOwner } from '../support/keys.ts';
import { query } from '../support/query.ts';
import { slowRequest } from '../support/slow-request.ts';
import { findContradiction, type Model, type Operation } from './checker.ts';

/** Actions with one master key, and their effects as another one sees them. */
type Action =
  | { kind: 'mint'; userId: string; outcome: 'minted' | 'refused' }
  | { kind: 'end' }
  | { kind: 'look'; userId: string; outcome: 'there' | 'absent' };

type State = { isAlive: boolean; minted: ReadonlySet<string> };

/**
 * The contract of a master key, if everything happened in one place and one thing after the other.
 */
const masterKeyModel: Model<State, Action> = {
  initial: { isAlive: true, minted: new Set() },
  step(state, action) {
    if (action.kind === 'end') return state.isAlive ? { ...state, isAlive: false } : state;
    if (action.kind === 'look') {
      return state.minted.has(action.userId) === (action.outcome === 'there') ? state : undefined;
    }
    if (action.outcome === 'refused') return state.isAlive ? undefined : state;
    return state.isAlive ? { ...state, minted: new Set([...state.minted, action.userId]) } : undefined;
  },
  isVerification: ({ kind }) => kind === 'look',
  nameOf: ({ isAlive, minted }) => `${isAlive} ${[...minted].sort()}`,
};

let broker: TestBroker;
let replica: TestBroker;
beforeAll(async () => {
  broker = await startBroker();
  replica = await broker.replica();
});
afterAll(async () => {
  await replica.close();
  await broker.close();
});

/** Records what is done, on this process's monotonic clock; nothing when there is no answer. */
async function record(history: Operation<Action>[], act: () => Promise<Action | undefined>): Promise<void> {
  const call = performance.now();
  const action = await act();
  const returned = performance.now();
  if (action !== undefined) history.push({ action, call, returned, settled: returned });
}

const toOutcome = (status: number) => {
  expect([201, 401]).toContain(status);
  return status === 201 ? ('minted' as const) : ('refused' as const);
};

/** Mints by a master key that is revoked meanwhile; some send their bodies only afterwards. */
async function round(): Promise<Operation<Action>[]> {
  const history: Operation<Action>[] = [];
  const { id, secret } = await broker.createMasterKey();
  const headers = { 'x-flowplate-master-key': secret };
  const owners = Array.from({ length: 12 }, newOwner);
  const over = new AbortController();
  const ended = Promise.withResolvers<void>();
  const minters = owners.map((owner, index) =>
    record(history, async () => {
      const { url, call } = index % 2 === 0 ? broker : replica;
      const { user_id: userId } = owner;
      if (index % 3 > 0) {
        await sleep(180 + index * 6);
        const { status } = await call(`POST ${keysPath}`, { as: secret, body: owner });
        return { kind: 'mint', userId, outcome: toOutcome(status) };
      }
      const late = await slowRequest(url, `POST ${keysPath}`, { headers, body: owner });
      await (index % 2 === 0 ? ended.promise : sleep(200));
      return { kind: 'mint', userId, outcome: toOutcome(await late.finish()) };
    }),
  );
  const lookers = owners.map(async ({ user_id: userId }) => {
    while (!over.signal.aborted) {
      await record(history, async () => {
        const { status, body } = await replica.call(`GET ${keysPath}?user_id=${userId}`);
        // A busy machine may be too slow for a list, which then shows nothing.
        if (status === 503) return undefined;
        return { kind: 'look', userId, outcome: body.data.length > 0 ? 'there' : 'absent' };
      });
      await sleep(10);
    }
  });
  const end = record(history, async () => {
    await sleep(230);
    const { isComplete } = await revokeMasterKey(broker.api.parts, testOrigin, id);
    expect(isComplete).toBe(true);
    return { kind: 'end' };
  }).finally(ended.resolve);
  const changes = Promise.all([end, ...minters])
    .then(() => sleep(50))
    .finally(() => over.abort());
  await Promise.all([changes, ...lookers]);
  return history;
}

test('no order of events has a mint after the end of its master key', async () => {
  for (let rounds = 0; rounds < 8; rounds++) {
    const history = await round();
    expect(history.length).toBeGreaterThan(2 * 12);
    expect(findContradiction(history, masterKeyModel)).toBeUndefined();
  }
});

test('control: without the held right, a contradiction is found', async () => {
  const databaseUrl = broker.config.DATABASE_URL;
  const [held] = await query(
    databaseUrl,
    `SELECT pg_get_functiondef('hold_master_key'::regproc) AS definition`,
  );
  await query(
    databaseUrl,
    `CREATE OR REPLACE FUNCTION hold_master_key(held_id text) RETURNS boolean LANGUAGE sql VOLATILE AS $$ SELECT true $$`,
  );
  try {
    expect(findContradiction(await round(), masterKeyModel)).toBeDefined();
  } finally {
    await query(databaseUrl, String(held?.definition));
  }
});
