import { bearer, callersAtOnce, callMany, quantile } from '../load/timed-calls.ts';
import { number } from '../report/statistics.ts';
import { newOperator, newTenantKey } from '../stage/operator-keys.ts';
import { seedApiKeys } from '../stage/seed-api-keys.ts';
import type { Scenario } from './scenario.ts';

const callsPerRound = 60;

const hourAgo = () => new Date(Date.now() - 3_600_000).toISOString();
const monthAgo = () => new Date(Date.now() - 30 * 86_400_000).toISOString();

type Who = 'operator' | 'tenant';

/** Common, rare and absent values; and a filter that the newest keys do not pass. */
const asked: readonly [Who, string, () => string][] = [
  ['operator', 'everything', () => ''],
  ['operator', 'platform keys', () => 'platform=true'],
  ['operator', 'one tenant', () => 'organization_id=org_7'],
  ['operator', 'revoked (the oldest 40 %)', () => 'status=revoked'],
  ['operator', 'expired', () => 'status=expired'],
  ['operator', 'disabled (none)', () => 'status=disabled'],
  ['operator', 'name, one in seven', () => 'name=ci-'],
  ['operator', 'name, one in 500', () => 'name=service%20ab'],
  ['operator', 'name, one in 32', () => 'name=service%20a'],
  ['operator', 'name, one in 8,000', () => 'name=service%20abc'],
  ['operator', 'name, one of all', () => 'name=zebra'],
  ['operator', 'name, none', () => 'name=nothing-like-it'],
  ['operator', 'name, the oldest fifth', () => 'name=legacy'],
  ['operator', 'name, two characters', () => 'name=zx'],
  ['operator', 'name and state', () => 'name=zebra&status=revoked'],
  ['operator', 'prefix, one in 256', () => 'prefix=flkey_ab'],
  ['operator', 'prefix, none', () => 'prefix=flkey_zz'],
  ['operator', 'scope, a few of all', () => 'scope=billing:rare'],
  ['operator', 'unused for an hour', () => `unused_since=${hourAgo()}`],
  ['operator', 'active, unused for a month', () => `status=active&unused_since=${monthAgo()}`],
  ['operator', 'revoked, unused for a month', () => `status=revoked&unused_since=${monthAgo()}`],
  ['tenant', 'everything', () => ''],
  ['tenant', 'revoked', () => 'status=revoked'],
  ['tenant', 'name, none', () => 'name=nothing-like-it'],
  ['tenant', 'prefix, none', () => 'prefix=flkey_zz'],
  ['tenant', 'active, unused for a month', () => `status=active&unused_since=${monthAgo()}`],
];

export const keyLists: Scenario = {
  name: 'key-lists',
  about: 'lists and searches of tenant and platform keys among very many, and the four counts',
  async run(stage, pace) {
    await seedApiKeys(stage.sql, pace.manyKeys);
    const secrets = { operator: await newOperator(stage), tenant: await newTenantKey(stage) };
    const api = await stage.startApi('api');
    const address = `http://127.0.0.1:${api.port}/api/v1`;
    const rows: string[][] = [];
    const measure = async (label: string, secret: string, path: () => string) => {
      await callMany(() => `${address}/${path()}`, bearer(secret), callersAtOnce);
      const calls = await callMany(() => `${address}/${path()}`, bearer(secret), pace.rounds * callsPerRound);
      rows.push([label, ...[0.5, 0.99].map((part) => quantile(calls, part).toFixed(1))]);
    };
    for (const [who, label, query] of asked) {
      await measure(`${who}: ${label}`, secrets[who], () => `apikeys?${query()}`);
    }
    await measure('platform/stats', secrets.operator, () => 'platform/stats');
    const notes = [
      `${number(pace.manyKeys)} tenant and platform keys, a fifth of them the tenant's; pages of 50; ${callersAtOnce} callers at once, ${number(pace.rounds * callsPerRound)} calls each row, through HTTP and verification of the caller's key.`,
    ];
    return [{ title: 'Lists of keys', columns: ['asked', 'p50 ms', 'p99 ms'], rows, notes }];
  },
};
