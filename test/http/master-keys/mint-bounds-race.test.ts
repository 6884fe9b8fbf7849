import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { atEnd, endAll } from '../../support/at-end.ts';
import { cloneDatabase } from '../../support/database.ts';
import { deploy, type StartedApi } from '../../support/deployment.ts';
import { insist } from '../../support/insist.ts';
import { ownRedis } from '../../support/own-stores.ts';
import { query } from '../../support/query.ts';

const mints = 200;

let databaseUrl: string;
let apis: StartedApi[];
beforeAll(async () => {
  const database = await cloneDatabase(inject('postgresUrl'));
  atEnd(() => database.drop());
  databaseUrl = database.url;
  const deployment = deploy({ databaseUrl, redisUrl: (await ownRedis()).current().url });
  apis = [await deployment.startApi(), await deployment.startApi(), await deployment.startApi()];
}, 60_000);
afterAll(endAll);

/**
 * A busy machine may answer 503, and does not say whether the key is there. The next attempt then
 * says so: 409 with its id.
 */
async function mintInsisting(api: StartedApi, body: { user_id: string; organization_id: string }) {
  let attempts = 0;
  const answer = await insist(() => {
    attempts += 1;
    return api.call('POST /v1/flowplate/api-keys', { body });
  });
  if (attempts === 1 || answer.status !== 409) return answer;
  return { ...answer, status: 201, body: { ...body, ...answer.body.error.details } };
}

/** Mints of different users at once, through all processes in turn. */
function mintAtOnce(count: number, body: object = {}) {
  return Promise.all(
    Array.from({ length: count }, (_, index) => {
      const user = { user_id: `u-${randomUUID()}`, organization_id: `org_${index % 7}` };
      return mintInsisting(apis[index % apis.length] as StartedApi, { ...user, ...body });
    }),
  );
}

const bound = (columns: string, values: string) =>
  query(
    databaseUrl,
    `DELETE FROM master_key_bounds;
     INSERT INTO master_key_bounds (master_key_id, ${columns}) SELECT id, ${values} FROM master_keys`,
  );

const countOf = async (text: string) => Number((await query(databaseUrl, text))[0]?.count);
const livingKeys = () => countOf("SELECT count(*) FROM api_keys WHERE status = 'active'");
const steps = async (name: string) =>
  (
    await query(
      databaseUrl,
      `SELECT details ->> 'percent' AS percent FROM audit_events
       WHERE event_type = 'master_key.mint_quota.reached' AND details ->> 'bound' = '${name}' ORDER BY id, 1`,
    )
  )
    .map(({ percent }) => Number(percent))
    .sort((one, other) => one - other);

test('of 200 mints at once through three processes exactly the quota is minted, and each step is told once', async () => {
  await bound('mint_limit, mint_period', "100, 'day'");
  const answers = await mintAtOnce(mints);
  const statuses = Map.groupBy(answers, (answer) => answer?.status);
  expect([statuses.get(201)?.length, statuses.get(429)?.length]).toEqual([100, 100]);
  expect(await livingKeys()).toBe(100);
  expect(await steps('mint_quota')).toEqual([80, 100]);
  const [refused] = statuses.get(429) ?? [];
  expect(refused?.body.error).toMatchObject({
    code: 'RATE_LIMITED',
    details: { bound: 'mint_quota', limit: 100 },
  });
  expect(Number(refused?.headers.get('retry-after'))).toBeGreaterThan(0);
  expect(refused?.headers.get('ratelimit')).toMatch(/^"mint_quota";r=0;t=\d+$/);
}, 60_000);

test('a mint that fails for another reason spends nothing, so that the quota is used to its last key', async () => {
  await bound('mint_limit, mint_period', "40, 'day'");
  const before = await livingKeys();
  const same = { user_id: `u-${randomUUID()}`, organization_id: 'org_0' };
  const answers = (await Promise.all([mintAtOnce(30, same), mintAtOnce(60)])).flat();
  const statuses = Map.groupBy(answers, (answer) => answer?.status);
  expect((await livingKeys()) - before).toBe(40);
  expect(statuses.get(201)?.length).toBeGreaterThanOrEqual(40);
}, 60_000);

test('of 200 mints at once exactly the living keys come to be that the bound allows, and an ended key makes room for one', async () => {
  const before = await livingKeys();
  await bound('living_max', String(before + 50));
  const answers = await mintAtOnce(mints);
  const minted = answers.filter((answer) => answer?.status === 201);
  const refused = answers.filter((answer) => answer?.status === 403);
  expect([minted.length, refused.length]).toEqual([50, 150]);
  expect(refused[0]?.body.error).toMatchObject({
    code: 'MINT_QUOTA_EXCEEDED',
    details: { bound: 'living_keys_max', limit: before + 50 },
  });
  const revoked = minted.slice(0, 10).map((answer) => answer?.body.key_id);
  await Promise.all(revoked.map((id, index) => apis[index % 3]?.call(`DELETE /v1/flowplate/api-keys/${id}`)));
  const [refreshed] = minted.slice(10);
  const path = `${refreshed?.body.user_id}/${refreshed?.body.organization_id}/refresh`;
  const refresh = await apis[0]?.call(`POST /v1/flowplate/api-keys/${path}`, {
    body: { grace_period_seconds: 60 },
  });
  expect(refresh?.status).toBe(200);
  const later = await mintAtOnce(60);
  expect(later.filter((answer) => answer?.status === 201)).toHaveLength(10);
  expect(await livingKeys()).toBe(before + 50);
  expect(await steps('living_keys_max')).toEqual([80, 100]);
}, 60_000);

test('a key past its expiry makes room before the sweep has seen it', async () => {
  await bound('living_max', String((await livingKeys()) + 3));
  const short = await mintAtOnce(3, { expires_at: new Date(Date.now() + 2_000).toISOString() });
  expect(short.map((answer) => answer?.status)).toEqual([201, 201, 201]);
  expect((await mintAtOnce(1))[0]?.status).toBe(403);
  await new Promise((resolve) => setTimeout(resolve, 2_500));
  const statuses = (await mintAtOnce(6))
    .map((answer) => answer?.status ?? 0)
    .sort((one, other) => one - other);
  expect(statuses).toEqual([201, 201, 201, 403, 403, 403]);
  const [renewed] = short;
  const path = `${renewed?.body.user_id}/${renewed?.body.organization_id}/refresh`;
  const answer = await apis[1]?.call(`POST /v1/flowplate/api-keys/${path}`, { body: { ttl_seconds: 600 } });
  expect(answer?.body.error.code).toBe('MINT_QUOTA_EXCEEDED');
}, 60_000);
