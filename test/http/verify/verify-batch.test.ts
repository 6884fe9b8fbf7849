import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { testAccess } from '../../support/access.ts';
import { startBroker, type TestBroker } from '../../support/broker.ts';
import { expectViolations } from '../../support/errors.ts';
import { keysPath, type Minted, mint, refreshed, revoke, verify } from '../../support/keys.ts';

const operation = `POST ${keysPath}/verify/batch`;

let broker: TestBroker;
beforeAll(async () => {
  broker = await startBroker();
});
afterAll(() => broker.close());

const verifyAll = (keys: object[], options = {}) => broker.call(operation, { ...options, body: { keys } });

testAccess(() => broker, operation, 'keys:verify');

describe('422', () => {
  test.each<[string, unknown, string]>([
    ['no list', {}, 'keys'],
    ['an empty list', { keys: [] }, 'keys'],
    ['101 keys', { keys: Array(101).fill({ key: 'x' }) }, 'keys'],
    ['bare strings', { keys: ['x'] }, 'keys.0'],
    ['a bare list', [{ key: 'x' }], ''],
    ['an unknown field', { keys: [{ key: 'x' }], mode: 'fast' }, ''],
  ])('%s is refused', async (_what, body, path) => {
    expectViolations(await broker.call(operation, { body }), path);
  });

  test('one bad item refuses the whole, with its place in the list, and nothing is spent', async () => {
    const { key } = await mint(broker, { quota: { limit: 5, period: 'day' } });
    const answer = await verifyAll([{ key }, { key, cost: -1 }, { key, cst: 1 }]);
    expectViolations(answer, 'keys.1.cost', 'keys.2');
    expect((await verify(broker, key)).quota.remaining).toBe(4);
  });
});

describe('success', () => {
  test('the verdicts stand in the order of the keys, each as if it were verified alone', async () => {
    const valid = await mint(broker, { scopes: ['read'] });
    const revoked = await mint(broker);
    await revoke(broker, revoked.key_id);
    const old = await mint(broker);
    await refreshed(broker, old, { grace_period_seconds: 60 });
    const items = [
      { key: revoked.key },
      { key: valid.key, scopes: ['read'] },
      { key: 'junk' },
      { key: old.key },
      { key: valid.key, scopes: ['write'] },
      { key: valid.key, environment: 'prod' },
    ];
    const { status, headers, body } = await verifyAll(items);
    expect(status).toBe(200);
    expect(headers.get('cache-control')).toBe('no-store');
    expect(body.results.map((verdict: { code: string }) => verdict.code)).toEqual([
      'REVOKED',
      'VALID',
      'MALFORMED',
      'SUPERSEDED',
      'INSUFFICIENT_SCOPE',
      'ENVIRONMENT_MISMATCH',
    ]);
    const alone = await Promise.all(items.map(({ key, ...asked }) => verify(broker, key, asked)));
    expect(body).toStrictEqual({ results: alone });
  });

  test('a hundred keys are verified in one call', async () => {
    const minted: Minted[] = [];
    // More at once are refused by a busy machine.
    while (minted.length < 100) {
      minted.push(...(await Promise.all(Array.from({ length: 10 }, () => mint(broker)))));
    }
    const { status, body } = await verifyAll(minted.map(({ key }) => ({ key })));
    expect(status).toBe(200);
    expect(body.results.map((verdict: { key_id: string }) => verdict.key_id)).toEqual(
      minted.map(({ key_id }) => key_id),
    );
  });

  test('one key several times in a batch spends its limit several times', async () => {
    const { key } = await mint(broker, { rate_limit: { limit: 2, window_seconds: 600 } });
    const { body } = await verifyAll(Array(3).fill({ key }));
    const codes = body.results.map((verdict: { code: string }) => verdict.code);
    expect(codes.sort()).toEqual(['RATE_LIMITED', 'VALID', 'VALID']);
  });

  test('an address that cannot be read is judged with its own key, and refuses none of the others', async () => {
    const [open, bound] = [await mint(broker), await mint(broker, { ip_allowlist: ['10.0.0.0/8'] })];
    const ips = ['10.1.2.3:51234', 'unknown', '', '10.1.2', 'x'.repeat(5_000)];
    const { status, body } = await verifyAll(
      ips.flatMap((ip) => [
        { key: bound.key, ip },
        { key: open.key, ip },
      ]),
    );
    expect(status).toBe(200);
    const codes = body.results.map((verdict: { code: string }) => verdict.code);
    const [allowed, unread] = [
      ['VALID', 'VALID'],
      ['IP_NOT_ALLOWED', 'VALID'],
    ];
    expect(codes).toEqual([allowed, unread, unread, unread, unread].flat());
  });

  test('keys outside the allow-lists are not found, the others are verified', async () => {
    const [mine, foreign] = [await mint(broker), await mint(broker)];
    const { secret: as } = await broker.createMasterKey({ organizationIds: [mine.organization_id] });
    const { body } = await verifyAll([{ key: foreign.key }, { key: mine.key }], { as });
    expect(body.results).toMatchObject([{ valid: false, code: 'NOT_FOUND' }, { valid: true }]);
  });
});
