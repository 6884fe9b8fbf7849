import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { idempotencyLifeMs } from '../../src/domain/idempotency.ts';
import { startBroker, type TestBroker } from '../support/broker.ts';
import { expectError, expectViolations } from '../support/errors.ts';
import {
  countKeys,
  expectReplay,
  mintUnder,
  newIdempotencyKey,
  refreshUnder,
} from '../support/idempotency.ts';
import { keysPath, mint, newOwner, revoke, verify } from '../support/keys.ts';
import { hourMs, walkClock } from '../support/walk-clock.ts';

const operation = `POST ${keysPath}`;

let broker: TestBroker;
beforeAll(async () => {
  broker = await startBroker();
});
afterAll(() => broker.close());

describe('a repeated mint', () => {
  test('it gives the same answer, the secret included, and no second key', async () => {
    const [owner, key] = [newOwner(), newIdempotencyKey()];
    const body = { ...owner, ttl_seconds: 600, scopes: ['b', 'a'], metadata: { b: 1, a: { d: 1, c: 2 } } };
    const first = await mintUnder(broker, key, body);
    expect(first.status).toBe(201);
    expect(first.headers.has('idempotency-replayed')).toBe(false);
    const again = await mintUnder(broker, key, body);
    expectReplay(again, first);
    expect(again.headers.get('cache-control')).toBe('no-store');
    expect(await countKeys(broker, owner)).toBe(1);
    expect((await verify(broker, again.body.key)).code).toBe('VALID');
  });

  test('it is repeated also after the end that it asked for', async () => {
    const [owner, key] = [newOwner(), newIdempotencyKey()];
    const body = { ...owner, expires_at: new Date(Date.now() + hourMs).toISOString() };
    const first = await mintUnder(broker, key, body);
    walkClock(broker, 2 * hourMs);
    expectReplay(await mintUnder(broker, key, body), first);
  });

  test('the order of fields makes no other request, any other difference does', async () => {
    const [{ user_id, organization_id }, key] = [newOwner(), newIdempotencyKey()];
    const body = { user_id, organization_id, metadata: { a: 1, b: 2 } };
    const first = await mintUnder(broker, key, body);
    expectReplay(await mintUnder(broker, key, { metadata: { b: 2, a: 1 }, organization_id, user_id }), first);
    for (const other of [
      { ...body, metadata: { a: 1, b: 3 } },
      { ...body, name: 'x' },
      { ...body, user_id: 'usr_other' },
      { user_id, organization_id },
    ]) {
      expectError(await mintUnder(broker, key, other), 422, 'IDEMPOTENCY_KEY_REUSED');
    }
  });

  test('another caller, another key and no key at all are requests of their own', async () => {
    const [owner, key] = [newOwner(), newIdempotencyKey()];
    await mintUnder(broker, key, owner);
    const { secret: as } = await broker.createMasterKey();
    expectError(await mintUnder(broker, key, owner, as), 409, 'KEY_ALREADY_EXISTS');
    expectError(await mintUnder(broker, newIdempotencyKey(), owner), 409, 'KEY_ALREADY_EXISTS');
    expectError(await broker.call(operation, { body: owner }), 409, 'KEY_ALREADY_EXISTS');
    expect((await mintUnder(broker, key, newOwner(), as)).status).toBe(201);
  });

  test('only successes are kept: after an error the same request is simply tried again', async () => {
    const [owner, key] = [newOwner(), newIdempotencyKey()];
    const { key_id } = await mint(broker, owner);
    expectError(await mintUnder(broker, key, owner), 409, 'KEY_ALREADY_EXISTS');
    await revoke(broker, key_id);
    const minted = await mintUnder(broker, key, owner);
    expect(minted.status).toBe(201);
    expectReplay(await mintUnder(broker, key, owner), minted);
  });

  test('after a day it is a new request', async () => {
    const [owner, key] = [newOwner(), newIdempotencyKey()];
    const first = await mintUnder(broker, key, owner);
    await age(idempotencyLifeMs - 60_000);
    expectReplay(await mintUnder(broker, key, owner), first);
    await age(120_000);
    expectError(await mintUnder(broker, key, owner), 409, 'KEY_ALREADY_EXISTS');
    await revoke(broker, first.body.key_id);
    const second = await mintUnder(broker, key, owner);
    expect(second.status).toBe(201);
    expect(second.body.key).not.toBe(first.body.key);
    expectReplay(await mintUnder(broker, key, owner), second);
  });
});

describe('a repeated refresh', () => {
  test('it gives the same new key and does not refresh again', async () => {
    const [owner, key] = [await mint(broker), newIdempotencyKey()];
    const first = await refreshUnder(broker, key, owner, { grace_period_seconds: 60 });
    const again = await refreshUnder(broker, key, owner, { grace_period_seconds: 60 });
    expect(again.headers.get('idempotency-replayed')).toBe('true');
    expect(again.body.new_key).toEqual(first.body.new_key);
    expect(again.body.propagation).toBe('complete');
    expect(await countKeys(broker, owner)).toBe(2);
    expect((await verify(broker, first.body.new_key.key)).code).toBe('VALID');
    expectError(await refreshUnder(broker, key, owner), 422, 'IDEMPOTENCY_KEY_REUSED');
    const other = await mint(broker);
    expect((await refreshUnder(broker, key, other, { grace_period_seconds: 60 })).status).toBe(200);
  });
});

describe('422', () => {
  test('an Idempotency-Key has 1 to 255 characters', async () => {
    for (const key of ['', 'k'.repeat(256)]) {
      expectViolations(await mintUnder(broker, key, newOwner()), 'Idempotency-Key');
      expectViolations(await refreshUnder(broker, key, newOwner()), 'Idempotency-Key');
    }
    expect((await mintUnder(broker, 'k'.repeat(255), newOwner())).status).toBe(201);
    expect((await mintUnder(broker, 'k', newOwner())).status).toBe(201);
  });
});

/** Moves every kept answer back in time. */
async function age(byMs: number): Promise<void> {
  await sql`UPDATE idempotency_keys SET created_at = created_at - make_interval(secs => ${byMs / 1_000})`.execute(
    broker.db,
  );
}
