import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { newIdempotency } from '../../src/domain/idempotency.ts';
import { startBroker, type TestBroker } from '../support/broker.ts';
import { expectError } from '../support/errors.ts';
import { expectReplay, mintUnder, newIdempotencyKey } from '../support/idempotency.ts';
import { newOwner } from '../support/keys.ts';

let broker: TestBroker;
beforeAll(async () => {
  broker = await startBroker();
});
afterAll(() => broker.close());

test('the stored row holds no secret and opens only with the key that the caller brings', async () => {
  const [owner, key] = [newOwner(), newIdempotencyKey()];
  const { id, secret: as } = await broker.createMasterKey();
  const { body } = await mintUnder(broker, key, owner, as);
  const rows = await broker.db
    .selectFrom('idempotency_keys')
    .selectAll()
    .orderBy('created_at', 'desc')
    .execute();
  const scope = `${id} mintKey {}`;
  const open = (request: { scope: string; key: string }) => {
    const idempotency = newIdempotency(broker.config.FLOWPLATE_PEPPERS, { ...request, body: owner });
    const row = rows.find((stored) => idempotency.ids.some((own) => own.equals(stored.id)));
    return { row, openRow: (sealed: Buffer, at: Buffer) => idempotency.open(at, sealed) };
  };
  const own = open({ scope, key });
  const row = own.row;
  expect(row).toBeDefined();
  if (row === undefined) return;
  expect(own.openRow(row.sealed_answer, row.id)).toContain(body.key);
  for (const text of [body.key, key, as, body.key.slice(-38)]) {
    for (const column of [row.id, row.body_hash, row.sealed_answer]) {
      expect(column.includes(text)).toBe(false);
      expect(column.toString('hex')).not.toContain(Buffer.from(text).toString('hex'));
    }
  }
  for (const other of [
    { scope, key: `${key}x` },
    { scope: `${scope}/`, key },
    { scope: 'flm_other mintKey {}', key },
  ]) {
    const { row: found, openRow } = open(other);
    expect(found).toBeUndefined();
    expect(() => openRow(row.sealed_answer, row.id)).toThrow();
  }
});

test('a new pepper between a request and its repetition changes nothing', async () => {
  const [owner, key] = [newOwner(), newIdempotencyKey()];
  const { secret: as } = await broker.createMasterKey();
  const first = await mintUnder(broker, key, owner, as);
  const pepper = `p2:${randomBytes(32).toString('base64url')}`;
  const rotated = await broker.replica({ FLOWPLATE_PEPPERS: `${pepper},${broker.env.FLOWPLATE_PEPPERS}` });
  expectReplay(await mintUnder(rotated, key, owner, as), first);
  expectError(await mintUnder(rotated, key, { ...owner, name: 'x' }, as), 422, 'IDEMPOTENCY_KEY_REUSED');
  const [other, otherKey] = [newOwner(), newIdempotencyKey()];
  const second = await mintUnder(rotated, otherKey, other, as);
  expectReplay(await mintUnder(rotated, otherKey, other, as), second);
  await rotated.close();
});
