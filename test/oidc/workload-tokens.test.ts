import { afterAll, expect, test } from 'vitest';
import { WorkloadTokens } from '../../src/oidc/workload-tokens.ts';
import { atEnd, endAll } from '../support/at-end.ts';
import { startTokenIssuer } from '../support/token-issuer.ts';

afterAll(endAll);

const minuteMs = 60_000;

async function setUp() {
  const issuer = await startTokenIssuer();
  atEnd(() => issuer.close());
  const faults: unknown[] = [];
  const clock = { nowMs: Date.now() };
  const tokens = new WorkloadTokens({
    issuers: new Map([[issuer.issuer, new URL(issuer.url)]]),
    nowMs: () => clock.nowMs,
    onFault: (error) => void faults.push(error),
  });
  /** Long enough for every step of the clock. */
  const exp = Math.floor(Date.now() / 1_000) + 86_400;
  return { ...issuer, tokens, clock, faults, exp };
}

const unavailable = { code: 'DEPENDENCY_UNAVAILABLE' };

test('keys are read for an unknown kid, at most once a minute however many tokens have one', async () => {
  const { tokens, clock, state, published, sign, newKey, exp } = await setUp();
  expect(await tokens.verify(await sign({ exp }))).toMatchObject({
    subject: 'system:serviceaccount:edge:gateway',
  });
  expect(state.reads).toBe(1);
  const next = await newKey('k2');
  published.unshift(next.jwk);
  const madeUp = await Promise.all([3, 4, 5, 6].map((count) => newKey(`k${count}`)));
  for (const by of madeUp) expect(await tokens.verify(await sign({ exp }, by))).toBeUndefined();
  expect(state.reads).toBe(1);
  clock.nowMs += minuteMs;
  const flood = await Promise.all(madeUp.map((by) => sign({ exp }, by)));
  expect(await Promise.all(flood.map((token) => tokens.verify(token)))).toEqual(flood.map(() => undefined));
  expect(state.reads).toBe(2);
  expect(await tokens.verify(await sign({ exp }, next))).toBeDefined();
  expect(state.reads).toBe(2);
});

test('while keys cannot be read, known ones go on, and others cannot be judged', async () => {
  const { tokens, clock, state, faults, sign, newKey, exp, published } = await setUp();
  state.isDown = true;
  await expect(tokens.verify(await sign({ exp }))).rejects.toMatchObject(unavailable);
  await expect(tokens.verify(await sign({ exp }))).rejects.toMatchObject(unavailable);
  expect(state.reads).toBe(1);
  state.isDown = false;
  clock.nowMs += 5_000;
  expect(await tokens.verify(await sign({ exp }))).toBeDefined();
  state.isDown = true;
  const next = await newKey('k2');
  published.push(next.jwk);
  for (let minutes = 0; minutes < 30; minutes++) {
    clock.nowMs += minuteMs;
    expect(await tokens.verify(await sign({ exp }))).toBeDefined();
    await expect(tokens.verify(await sign({ exp }, next))).rejects.toMatchObject(unavailable);
  }
  expect(faults.length).toBeGreaterThan(0);
  state.isDown = false;
  clock.nowMs += 5_000;
  expect(await tokens.verify(await sign({ exp }, next))).toBeDefined();
});

test('a key that the issuer withdraws ends within ten minutes, for tokens that were verified too', async () => {
  const { tokens, clock, published, sign, newKey, exp, state } = await setUp();
  const token = await sign({ exp });
  const verified = await tokens.verify(token);
  if (verified === undefined) throw new Error('it is good');
  const next = await newKey('k2');
  published.splice(0, 1, next.jwk);
  expect(tokens.isCurrent(verified)).toBe(true);
  clock.nowMs += 10 * minuteMs + 1;
  expect(tokens.isCurrent(verified)).toBe(true);
  await expect.poll(() => state.reads).toBe(2);
  await expect.poll(() => tokens.isCurrent(verified)).toBe(false);
  expect(await tokens.verify(token)).toBeUndefined();
});

test('a verified token ends with its time', async () => {
  const { tokens, clock, sign } = await setUp();
  const verified = await tokens.verify(await sign());
  if (verified === undefined) throw new Error('it is good');
  clock.nowMs += 299_000;
  expect(tokens.isCurrent(verified)).toBe(true);
  clock.nowMs += 10_000;
  expect(tokens.isCurrent(verified)).toBe(false);
});
