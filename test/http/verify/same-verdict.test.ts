import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { refusals } from '../../../src/domain/forward-auth/refusals.ts';
import type { RefusedCode, Verdict } from '../../../src/domain/verdict.ts';
import { type Embedded, embed } from '../../sdk/embedded.ts';
import { endAll } from '../../support/at-end.ts';
import { startBroker, type TestBroker } from '../../support/broker.ts';
import type { Answer } from '../../support/call.ts';
import { keysPath, mint, verify } from '../../support/keys.ts';
import { knock } from './door.ts';
import { type Question, verdictCases } from './verdict-cases.ts';

/** A gateway: who asks, and a verifier that is embedded in it. */
type Gateway = { masterKey: string; verifier: Embedded };

let broker: TestBroker;
const cases = verdictCases(() => broker);
let anywhere: Gateway;
let elsewhere: Gateway;
beforeAll(async () => {
  broker = await startBroker();
  anywhere = await gateway(broker.masterKey);
  elsewhere = await gateway((await broker.createMasterKey({ organizationIds: ['org_elsewhere'] })).secret);
});
afterAll(async () => {
  await endAll();
  await broker.close();
});

async function gateway(masterKey: string): Promise<Gateway> {
  return { masterKey, verifier: await embed({ ...broker, masterKey }) };
}

describe.each(cases)('%s: %s', (_name, code, question) => {
  test('the same by JSON, in a batch, embedded, at forward auth and by introspection', async () => {
    const asked = await question();
    const verdict = await expectOneVerdict(anywhere, asked);
    expect(verdict.code).toBe(code);
  });
});

test("a key outside the caller's allow-lists does not exist at any endpoint", async () => {
  const verdict = await expectOneVerdict(elsewhere, { key: (await mint(broker)).key });
  expect(verdict).toEqual({ valid: false, code: 'NOT_FOUND' });
});

test('a batch judges what end clients sent one by one: none of them refuses the others', async () => {
  const questions = await Promise.all(cases.map(([, , question]) => question()));
  const some = questions.filter(({ key }) => key.length < 10_000);
  const body = { keys: some };
  const answer = await broker.call(`POST ${keysPath}/verify/batch`, { body });
  expect(answer.status).toBe(200);
  const codes = answer.body.results.map((verdict: Verdict) => verdict.code);
  expect(codes).toEqual(cases.filter(([name]) => name !== '60,000 characters').map(([, code]) => code));
});

async function expectOneVerdict(gateway: Gateway, asked: Question): Promise<Verdict> {
  const verdict = await verify(broker, asked.key, without(asked, 'key'), { as: gateway.masterKey });
  for (const other of await otherVerdicts(gateway, asked)) {
    expect(withoutStates(other)).toEqual(withoutStates(verdict));
  }
  if (isHeader(asked.key)) await expectAtForwardAuth(gateway, asked, verdict);
  await expectIntrospected(gateway, asked, verdict);
  return verdict;
}

async function otherVerdicts({ masterKey: as, verifier }: Gateway, asked: Question): Promise<Verdict[]> {
  // A weighted Accept is none of the plain headers: it takes the way of every other route.
  const headers = { accept: 'text/html, application/*;q=0.5' };
  const { body: bySlowWay } = await broker.call(`POST ${keysPath}/verify`, { body: asked, as, headers });
  const batch = await broker.call(`POST ${keysPath}/verify/batch`, { body: { keys: [asked] }, as });
  const embedded = await verifier.verify(asked);
  const fromMemory = verifier.verifyNow(asked) ?? embedded;
  return [bySlowWay, ...batch.body.results, embedded, fromMemory];
}

async function expectAtForwardAuth({ masterKey: as }: Gateway, asked: Question, verdict: Verdict) {
  const { key, scopes, organization_id, environment, ip } = asked;
  const demands: Record<string, string | undefined> = {
    'x-api-key': key,
    'x-forwarded-for': ip,
    'x-flowplate-required-scopes': scopes?.join(' '),
    'x-flowplate-required-organization': organization_id,
    'x-flowplate-required-environment': environment,
  };
  const headers = Object.entries(demands).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, value]],
  );
  const answer = await knock(broker, Object.fromEntries(headers), { as });
  // An empty header counts as not sent.
  if (key === '') expect(answer).toMatchObject({ status: 401, body: { title: 'Authentication required' } });
  else if (verdict.valid) expectIdentity(answer, verdict);
  else expectRefused(answer, verdict.code);
}

function expectIdentity(answer: Answer, verdict: Verdict & { valid: true }): void {
  expect(answer.status).toBe(200);
  const { key_id, user_id, organization_id, environment, scopes } = verdict;
  const said = ['key-id', 'user-id', 'organization-id', 'environment', 'scopes'].map((name) =>
    answer.headers.get(`x-flowplate-${name}`),
  );
  expect(said).toEqual([key_id, user_id, organization_id, environment, scopes.join(' ')]);
}

function expectRefused(answer: Answer, code: RefusedCode): void {
  const { status, title } = refusals[code];
  expect(answer).toMatchObject({ status, body: { title } });
}

/**
 * It asks about the key alone, and spends nothing: demands and limits are no part of its answer.
 */
async function expectIntrospected({ masterKey: as }: Gateway, asked: Question, verdict: Verdict) {
  const alone = await verify(broker, asked.key, { cost: 0 }, { as });
  const body = new URLSearchParams({ token: asked.key }).toString();
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  const answer = await broker.call('POST /v1/flowplate/introspect', { body, headers, as });
  expect(answer.body.active).toBe(alone.valid);
  if (verdict.valid) expect(answer.body.sub).toBe(alone.user_id);
}

function isHeader(text: string): boolean {
  return /^[\x21-\x7e]*$/.test(text) && text.length < 10_000;
}

function without<T extends object>(value: T, name: keyof T): Partial<T> {
  const { [name]: _, ...rest } = value;
  return rest as Partial<T>;
}

/** Each answer spends, and tells its own moment. */
function withoutStates(verdict: Verdict): object {
  return JSON.parse(JSON.stringify(verdict), (name, value) =>
    name === 'remaining' || name === 'reset_at' ? undefined : value,
  );
}
