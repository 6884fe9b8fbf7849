import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { newSecret } from '../../../src/domain/key-format.ts';
import { startBroker, type TestBroker } from '../../support/broker.ts';
import { keysPath, mint, newOwner, refreshed, revoke, update } from '../../support/keys.ts';
import { setStatus } from '../../support/organization-status.ts';
import { type Random, seededRandom } from '../../support/seeded-random.ts';

let broker: TestBroker;
beforeAll(async () => {
  broker = await startBroker();
});
afterAll(() => broker.close());

const requestsMin = 10_000;

type Limit = { limit: number; remaining: number | null };
type Said = { valid: boolean; code: string; rate_limit?: Limit; quota?: Limit; checks?: Check[] };
type Check = { check: string; result: string };

test('10,000 requests are explained as they are verified, without a difference', {
  timeout: 300_000,
}, async () => {
  const random = seededRandom(20_260_613);
  const keys = await keysOfAllKinds(random);
  const codes = new Map<string, number>();
  for (let asked = 0; asked < requestsMin; asked += keys.length) {
    // Each line of keys once in a batch: what one verification spends, no other of the batch sees.
    const requests = keys.map((key) => ({ key, ...demands(random) }));
    const explained = await ask(requests.map((request) => ({ ...request, explain: true })));
    const verified = await ask(requests);
    for (const [index, verdict] of verified.entries()) {
      const explanation = explained[index] as Said;
      const request = requests[index] as { cost?: number };
      const what = JSON.stringify([request, explanation, verdict]);
      expect(withoutLimits(explanation), what).toEqual(withoutLimits(verdict));
      expect(leftAfter(explanation, verdict, request.cost ?? 1), what).toEqual(leftOf(verdict));
      const failed = explanation.checks?.find(({ result }) => result === 'failed')?.check;
      expect(failed, what).toBe(verdict.valid ? undefined : verdict.code);
      codes.set(verdict.code, (codes.get(verdict.code) ?? 0) + 1);
    }
  }
  expect([...codes.keys()].sort()).toEqual([
    'DISABLED',
    'ENVIRONMENT_MISMATCH',
    'EXPIRED',
    'INSUFFICIENT_SCOPE',
    'IP_NOT_ALLOWED',
    'MALFORMED',
    'NOT_FOUND',
    'ORGANIZATION_MISMATCH',
    'ORGANIZATION_SUSPENDED',
    'QUOTA_EXCEEDED',
    'RATE_LIMITED',
    'REVOKED',
    'SUPERSEDED',
    'VALID',
  ]);
});

async function ask(keys: readonly object[]): Promise<Said[]> {
  const answer = await broker.call(`POST ${keysPath}/verify/batch`, { body: { keys } });
  expect(answer.status, JSON.stringify(answer.body)).toBe(200);
  return answer.body.results;
}

function withoutLimits({ rate_limit: _, quota: __, checks: ___, ...rest }: Said) {
  return rest;
}

function leftOf({ rate_limit, quota }: Said) {
  return [rate_limit?.remaining, quota?.remaining];
}

/** The verification that must follow this explanation. */
function leftAfter({ rate_limit, quota }: Said, verdict: Said, cost: number) {
  // A refusal before the limits does not look at them.
  const isShown = verdict.rate_limit !== undefined || verdict.quota !== undefined;
  const spent = verdict.valid ? cost : 0;
  return [rate_limit, quota].map((limit) =>
    limit === undefined || !isShown ? undefined : (limit.remaining as number) - spent,
  );
}

function demands(random: Random): { cost?: number } {
  const maybe = (demand: object, oneIn: number) => (random.below(oneIn) === 0 ? demand : {});
  return {
    ...maybe({ scopes: random.pick([[], ['read'], ['read', 'write'], ['absent']]) }, 4),
    ...maybe({ environment: random.pick(['test', 'test', 'prod']) }, 6),
    ...maybe({ organization_id: random.pick(['org_shared', 'org_other']) }, 6),
    ...maybe({ ip: random.pick(['10.1.2.3', '192.0.2.7', '[2001:db8::5]:443', 'nonsense']) }, 2),
    ...maybe({ cost: random.pick([0, 1, 2, 7]) }, 3),
  };
}

async function keysOfAllKinds(random: Random): Promise<string[]> {
  const limit = (most: number) => ({ limit: 1 + random.below(most) });
  const settings = () => ({
    user_id: newOwner().user_id,
    organization_id: 'org_shared',
    scopes: random.pick([[], ['read'], ['read', 'write']]),
    ...(random.below(4) === 0 && { ip_allowlist: ['10.0.0.0/8', '2001:db8::/32'] }),
    ...(random.below(3) === 0 && { rate_limit: { ...limit(400), window_seconds: 86_400 } }),
    ...(random.below(3) === 0 && { quota: { ...limit(400), period: 'month' } }),
  });
  const keys: string[] = ['not a key'];
  for (let index = 0; index < 8; index++) {
    const [active, disabled, revoked, old, expired] = [
      await mint(broker, settings()),
      await mint(broker, settings()),
      await mint(broker, settings()),
      await mint(broker, settings()),
      await mint(broker, { ...settings(), ttl_seconds: 1 }),
    ];
    await update(broker, disabled.key_id, { enabled: false });
    await revoke(broker, revoked.key_id);
    await refreshed(broker, old, { grace_period_seconds: 86_400 });
    const suspended = await mint(broker, { ...settings(), organization_id: 'org_suspended' });
    keys.push(...[active, disabled, revoked, old, expired, suspended].map(({ key }) => key));
  }
  keys.push(newSecret('user', 'test', randomBytes));
  await setStatus(broker, 'org_suspended', 'suspended');
  await new Promise((resolve) => setTimeout(resolve, 1_100));
  return keys;
}
