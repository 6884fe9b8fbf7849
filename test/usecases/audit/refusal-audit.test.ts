import { afterAll, beforeAll, expect, test } from 'vitest';
import { atEnd, endAll } from '../../support/at-end.ts';
import { startBroker, type TestBroker } from '../../support/broker.ts';
import { keysPath } from '../../support/keys.ts';
import { query } from '../../support/query.ts';

let broker: TestBroker;
beforeAll(async () => {
  broker = await startBroker();
  atEnd(() => broker.close());
});
afterAll(endAll);

const refusalsOf = (broker: TestBroker, actorId: string) =>
  query(
    broker.config.DATABASE_URL,
    `SELECT target_id, details, client_address FROM audit_events WHERE actor_id = '${actorId}' AND event_type = 'platform.access.refused' ORDER BY created_at, id`,
  );

test('hundreds of refusals of a narrow key are one event, and one more with the count of the others', async () => {
  const replica = await broker.replica();
  const narrow = await broker.createMasterKey({ permissions: ['keys:verify'] });
  for (let call = 0; call < 300; call++) {
    const { status } = await replica.call(`GET ${keysPath}`, { as: narrow.secret });
    expect(status).toBe(403);
  }
  expect(await refusalsOf(broker, narrow.id)).toHaveLength(1);
  await replica.close();
  const [first, rest] = await refusalsOf(broker, narrow.id);
  expect(first?.details).toEqual({ code: 'INSUFFICIENT_PERMISSIONS' });
  expect(rest?.details).toEqual({ code: 'INSUFFICIENT_PERMISSIONS', count: 299 });
  // A person may have been erased before the second one is written.
  expect([first?.client_address, rest?.client_address]).toEqual(['127.0.0.1', null]);
});

test('refusals of another operation, and by another caller, have events of their own', async () => {
  const narrow = await broker.createMasterKey({ permissions: ['keys:verify'] });
  const other = await broker.createMasterKey({ permissions: ['keys:verify'] });
  await broker.call(`GET ${keysPath}`, { as: narrow.secret });
  await broker.call(`DELETE ${keysPath}/user/usr_1`, { as: narrow.secret });
  await broker.call(`GET ${keysPath}`, { as: other.secret });
  const operations = (await refusalsOf(broker, narrow.id)).map(({ target_id: operation }) => operation);
  expect(operations).toEqual(['listKeys', 'revokeUserKeys']);
  expect(await refusalsOf(broker, other.id)).toHaveLength(1);
});
