import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { auditEventsOf } from '../../support/audit-events.ts';
import { startBroker, type TestBroker } from '../../support/broker.ts';
import { eventually } from '../../support/eventually.ts';
import { type Minted, mint, refreshed, verify } from '../../support/keys.ts';

const newPepper = randomBytes(32).toString('base64url');

let broker: TestBroker;
let replica: TestBroker;
/** After a rotation of the pepper: with the new one first, and the old one besides. */
let rotated: TestBroker;
beforeAll(async () => {
  broker = await startBroker();
  replica = await broker.replica();
  rotated = await broker.replica({ FLOWPLATE_PEPPERS: `p2:${newPepper},${broker.env.FLOWPLATE_PEPPERS}` });
});
afterAll(async () => {
  await Promise.all([replica.close(), rotated.close()]);
  await broker.close();
});

const graceMs = 600_000;

async function waiting(): Promise<[old: Minted, next: Minted]> {
  const old = await mint(broker);
  const body = { activate: 'on_first_use', grace_period_seconds: graceMs / 1_000 };
  return [old, await refreshed(broker, old, body)];
}

const activations = async ({ key_id }: Minted) =>
  (await auditEventsOf(broker, { targetId: key_id })).filter(
    ({ event_type }) => event_type === 'key.activated',
  );

const digestOf = ({ key_id }: Minted) =>
  broker.db.selectFrom('api_keys').select('pepper_id').where('id', '=', key_id).executeTakeFirstOrThrow();

test('two API replicas race for the first use: both accept, one activates, and the grace begins once', async () => {
  for (let round = 0; round < 5; round++) {
    const [old, next] = await waiting();
    // Both have the old key in memory, as it was.
    for (const one of [broker, replica]) expect((await verify(one, old.key)).code).toBe('VALID');
    const uses = Array.from({ length: 12 }, (_, index) => (index % 2 === 0 ? broker : replica));
    const verdicts = await Promise.all(uses.map((one) => verify(one, next.key)));
    expect(new Set(verdicts.map(({ code }) => code))).toEqual(new Set(['VALID']));
    const [activation, ...more] = await activations(next);
    expect(more).toEqual([]);
    expect(activation?.details).toMatchObject({ previous_key_id: old.key_id });
    const told = await Promise.all(
      [broker, replica].map((one) =>
        eventually(
          2_000,
          () => verify(one, old.key),
          ({ code }) => code === 'SUPERSEDED',
        ),
      ),
    );
    expect(told[0]?.superseded_until).toBe(told[1]?.superseded_until);
    expect(Date.parse(told[0]?.superseded_until) - Date.parse(told[0]?.superseded_at)).toBe(graceMs);
  }
});

test('a key that waited while the pepper was rotated is accepted, and stored under the new pepper', async () => {
  const [old, next] = await waiting();
  expect((await verify(rotated, next.key)).code).toBe('VALID');
  expect(await activations(next)).toHaveLength(1);
  expect((await verify(rotated, old.key)).code).toBe('SUPERSEDED');
  await eventually(
    2_000,
    async () => {
      await verify(rotated, next.key);
      return digestOf(next);
    },
    ({ pepper_id }) => pepper_id === 'p2',
  );
});
