import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { testAccess } from '../../support/access.ts';
import { startBroker, type TestBroker } from '../../support/broker.ts';
import { expectError, expectViolations } from '../../support/errors.ts';
import { getKey, keysPath, mint, refreshed, verify } from '../../support/keys.ts';
import { tenantKey } from '../../support/platform-callers.ts';
import {
  lapse,
  lapsedVerifier,
  neverRegistered,
  register,
  reportUsage as report,
  verifiersPath,
} from './verifier-calls.ts';

let broker: TestBroker;
let verifierId: string;
beforeAll(async () => {
  broker = await startBroker();
  verifierId = await lapsedVerifier(broker);
});
afterAll(() => broker.close());

const minuteMs = 60_000;
const thisMinuteMs = () => Math.floor(Date.now() / minuteMs) * minuteMs;

type Line = [lineageId: unknown, calls: number, cost: number, firstAfterMs: number, lastAfterMs: number];

const lineOf = (lineageId: unknown, calls = 3, cost = 7): Line => [lineageId, calls, cost, 0, 1];

function sum(lines: Line | Line[], changed: object = {}) {
  const all = lines.length === 0 || Array.isArray(lines[0]) ? lines : [lines];
  return { minute_ms: thisMinuteMs(), code: 'VALID', lines: all, ...changed };
}

const reportUsage = (sums: object[], options: Parameters<typeof report>[3] = {}) =>
  report(broker, verifierId, sums, options);

async function usageOf(keyId: string) {
  await broker.settleUsage();
  return (await getKey(broker, keyId)).body.usage;
}

/** Expects that no table of counts has a row. */
async function rowsOf(lineageIds: string[]): Promise<number> {
  await broker.settleUsage();
  const { rows } = await sql<{ count: number }>`
    SELECT (SELECT count(*) FROM usage_hours WHERE lineage_id = ANY(${lineageIds}::text[]))
      + (SELECT count(*) FROM usage_days WHERE lineage_id = ANY(${lineageIds}::text[]))
      + (SELECT count(*) FROM usage_totals WHERE lineage_id = ANY(${lineageIds}::text[])) AS count`.execute(
    broker.db,
  );
  return rows[0]?.count ?? Number.NaN;
}

testAccess(() => broker, `POST ${verifiersPath}/${neverRegistered}/usage`, 'keys:verify:embedded');

describe('404 VERIFIER_NOT_FOUND', () => {
  const reportAs = async (id: string, as?: string) => {
    const { key_id } = await mint(broker);
    const answer = await report(broker, id, [sum(lineOf(key_id))], as === undefined ? {} : { as });
    return { key_id, answer };
  };

  test('for one that was never registered, and nothing is counted', async () => {
    const { key_id, answer } = await reportAs(neverRegistered);
    expectError(answer, 404, 'VERIFIER_NOT_FOUND');
    expect(await rowsOf([key_id])).toBe(0);
  });

  test('for one of another master key', async () => {
    const { secret: as } = await broker.createMasterKey();
    const { key_id, answer } = await reportAs(verifierId, as);
    expectError(answer, 404, 'VERIFIER_NOT_FOUND');
    expect(await rowsOf([key_id])).toBe(0);
  });

  test('for an API process, which has no master key', async () => {
    const own = broker.db.selectFrom('verifiers').select('id').where('master_key_id', 'is', null);
    const { id } = await own.executeTakeFirstOrThrow();
    expectError((await reportAs(id)).answer, 404, 'VERIFIER_NOT_FOUND');
  });

  test('for one whose lease ended more than twenty minutes ago; before that it counts', async () => {
    const { verifier_id: gone } = await register(broker);
    await lapse(broker, gone, 20 * 60 + 1);
    expectError((await reportAs(gone)).answer, 404, 'VERIFIER_NOT_FOUND');
    const { verifier_id: late } = await register(broker);
    await lapse(broker, late, 20 * 60 - 5);
    const { key_id, answer } = await reportAs(late);
    expect(answer.status).toBe(204);
    expect((await usageOf(key_id)).total_requests).toBe(3);
  });
});

describe('422', () => {
  test('without an id or sums, and with a line that cannot be', async () => {
    const { key_id } = await mint(broker);
    const path = `POST ${verifiersPath}/${neverRegistered}/usage`;
    expectViolations(await broker.call(path, { body: {} }), 'flush_id', 'sums');
    expectViolations(await reportUsage([]), 'sums');
    expectViolations(await reportUsage([sum(lineOf('x'))]), 'sums.0.lines.0.0');
    const line = lineOf(key_id);
    expectViolations(await reportUsage([sum([])]), 'sums.0.lines');
    expectViolations(await reportUsage([sum(line, { code: 'MAYBE' })]), 'sums.0.code');
    expectViolations(await reportUsage([sum(line, { minute_ms: 1 })]), 'sums.0.minute_ms');
    expectViolations(await reportUsage([sum(lineOf(key_id, 0))]), 'sums.0.lines.0.1');
    expectViolations(await reportUsage([sum([key_id, 1, 1, 0, 60_000])]), 'sums.0.lines.0.4');
    expectViolations(await reportUsage([sum([key_id, 1, 1, 2, 1])]), 'sums.0.lines.0');
    expect((await usageOf(key_id)).total_requests).toBe(0);
  });
});

describe('204', () => {
  test('what was decided in a gateway is counted like what was decided here', async () => {
    const { key_id } = await mint(broker);
    const refused = sum(lineOf(key_id, 2, 0), { code: 'INSUFFICIENT_SCOPE' });
    expect((await reportUsage([sum(lineOf(key_id)), refused])).status).toBe(204);
    expect(await usageOf(key_id)).toMatchObject({
      total_requests: 3,
      refused_requests: 2,
      requests_today: 3,
    });
  });

  test('keys of tenants are counted like hidden keys', async () => {
    const { id } = await tenantKey(broker, 'org_reported');
    const { key_id } = await mint(broker);
    expect((await reportUsage([sum([lineOf(id), lineOf(key_id)])])).status).toBe(204);
    expect((await usageOf(key_id)).total_requests).toBe(3);
    expect(await rowsOf([id])).toBe(3);
  });

  test('repeated under its id it counts once: at once, and after it was rolled up', async () => {
    const { key_id } = await mint(broker);
    const id = randomUUID();
    await reportUsage([sum(lineOf(key_id))], { id });
    await reportUsage([sum(lineOf(key_id))], { id });
    expect((await usageOf(key_id)).total_requests).toBe(3);
    await reportUsage([sum(lineOf(key_id))], { id });
    expect((await usageOf(key_id)).total_requests).toBe(3);
  });

  test('counts under an id in capitals, which is the same id', async () => {
    const { key_id } = await mint(broker);
    const id = randomUUID();
    for (const spelled of [id.toUpperCase(), id]) await reportUsage([sum(lineOf(key_id))], { id: spelled });
    expect((await usageOf(key_id)).total_requests).toBe(3);
  });

  test('without Redis it goes to Postgres, and counts once there too', async () => {
    const { key_id } = await mint(broker);
    const apart = await broker.replica({ REDIS_URL: 'redis://127.0.0.1:1/0' });
    const id = randomUUID();
    expect(
      (await report(apart, verifierId, [sum(lineOf(key_id))], { id, as: broker.masterKey })).status,
    ).toBe(204);
    await reportUsage([sum(lineOf(key_id))], { id });
    expect((await usageOf(key_id)).total_requests).toBe(3);
    await apart.close();
  });

  test('counts for keys beyond the allow-lists are left out', async () => {
    const [mine, other] = [await mint(broker), await mint(broker)];
    for (const request of [{ organizationIds: [mine.organization_id] }, { environments: ['test'] }]) {
      const { secret: as } = await broker.createMasterKey(request);
      const id = await lapsedVerifier(broker, { as });
      const lines = [lineOf(mine.key_id), lineOf(other.key_id)];
      expect((await report(broker, id, [sum(lines)], { as })).status).toBe(204);
    }
    expect((await usageOf(mine.key_id)).total_requests).toBe(6);
    expect((await usageOf(other.key_id)).total_requests).toBe(3);
  });

  test('twenty reports of invented ids make no row, and what is true beside them counts', async () => {
    const { key_id } = await mint(broker);
    const invented: string[] = [];
    for (let index = 0; index < 20; index++) {
      const lines = Array.from({ length: 800 }, (_, line) =>
        lineOf(`flk_${String(index * 1_000 + line).padStart(22, '0')}`),
      );
      invented.push(...lines.map(([id]) => String(id)));
      expect((await reportUsage([sum([...lines, lineOf(key_id)])])).status).toBe(204);
    }
    expect(await rowsOf(invented)).toBe(0);
    expect((await usageOf(key_id)).total_requests).toBe(60);
  });

  test('counts under the id of a successor are left out: they belong to its line', async () => {
    const owner = { user_id: 'usr_line', organization_id: 'org_line' };
    const first = await mint(broker, owner);
    const second = await refreshed(broker, owner);
    await reportUsage([sum([lineOf(second.key_id), lineOf(first.key_id)])]);
    expect((await usageOf(second.key_id)).total_requests).toBe(3);
    const { rows } = await sql`SELECT FROM usage_totals WHERE lineage_id = ${second.key_id}`.execute(
      broker.db,
    );
    expect(rows).toEqual([]);
  });

  test('counts of another age open no partition and are left out', async () => {
    const { key_id } = await mint(broker);
    const dayMs = 86_400_000;
    const at = (ms: number) => sum(lineOf(key_id), { minute_ms: ms });
    const [late, early] = [at(thisMinuteMs() - 8 * dayMs), at(thisMinuteMs() + dayMs)];
    expect((await reportUsage([late, early])).status).toBe(204);
    expect(await rowsOf([key_id])).toBe(0);
  });

  test('what only the broker decides, and what belongs to no key, is left out', async () => {
    const { key_id } = await mint(broker);
    for (const code of ['RATE_LIMITED', 'QUOTA_EXCEEDED', 'NOT_FOUND', 'MALFORMED']) {
      expect((await reportUsage([sum(lineOf(key_id, 3, 0), { code })])).status).toBe(204);
    }
    expect(await rowsOf([key_id])).toBe(0);
  });
});

describe('what one verifier can have done', () => {
  const fiveMillion = 5_000_000;

  test('bounds the cost by the calls, and a refused call costs nothing', async () => {
    const { key_id } = await mint(broker);
    const { secret: as } = await broker.createMasterKey();
    const id = await lapsedVerifier(broker, { as });
    const send = (line: Line, changed = {}) => report(broker, id, [sum(line, changed)], { as });
    await send(lineOf(key_id, 2, 2_000_001));
    await send(lineOf(key_id, 2, 1), { code: 'EXPIRED' });
    expect(await rowsOf([key_id])).toBe(0);
    await send(lineOf(key_id, 2, 2_000_000));
    expect((await usageOf(key_id)).total_requests).toBe(2);
  });

  test('bounds the calls, be they in one line, in one report or in many', async () => {
    const minted = await Promise.all(Array.from({ length: 4 }, () => mint(broker)));
    const { secret: as } = await broker.createMasterKey();
    const id = await lapsedVerifier(broker, { as });
    const send = (lines: Line[]) => report(broker, id, [sum(lines)], { as });
    const [one, two, three, four] = minted.map(({ key_id }) => key_id);
    await send([lineOf(one, 60 * fiveMillion + 1, 1)]);
    await send([lineOf(two, 40 * fiveMillion, 1), lineOf(three, 40 * fiveMillion, 1)]);
    // The budget fills up with 5,000,000 a second; these few seconds leave room for this one alone.
    await send([lineOf(four, 10 * fiveMillion, 1)]);
    for (let time = 0; time < 20; time++) await send([lineOf(one, 40 * fiveMillion, 1)]);
    const counted = await Promise.all(
      minted.map(async ({ key_id }) => (await usageOf(key_id)).total_requests),
    );
    expect(counted).toEqual([0, 40 * fiveMillion, 0, 10 * fiveMillion]);
    await broker.settleUsage();
  });
});

describe('a limited key', () => {
  const quota = { limit: 100, period: 'month' };

  test('is the broker’s to decide about: a report takes nothing from its quota', async () => {
    const { key, key_id } = await mint(broker, { quota });
    for (const at of [thisMinuteMs(), thisMinuteMs() - 30 * minuteMs]) {
      expect((await reportUsage([sum(lineOf(key_id, 3, 1_000_000), { minute_ms: at })])).status).toBe(204);
    }
    expect(await rowsOf([key_id])).toBe(0);
    expect(await verify(broker, key)).toMatchObject({ code: 'VALID', quota: { remaining: 99 } });
  });

  test('and so is one that was refreshed, or had its quota changed', async () => {
    const owner = { user_id: 'usr_limited', organization_id: 'org_limited' };
    const { key_id } = await mint(broker, { ...owner, rate_limit: { limit: 10, window_seconds: 60 } });
    const { key_id: second } = await refreshed(broker, owner);
    await broker.call(`PATCH ${keysPath}/${second}`, { body: { quota } });
    await reportUsage([sum(lineOf(key_id), { minute_ms: thisMinuteMs() - 5 * minuteMs })]);
    expect(await rowsOf([key_id])).toBe(0);
  });

  test('counts what gateways decided before it was limited, and nothing since', async () => {
    const { key, key_id } = await mint(broker);
    const before = thisMinuteMs();
    await broker.call(`PATCH ${keysPath}/${key_id}`, { body: { quota } });
    await reportUsage([sum(lineOf(key_id, 3, 3), { minute_ms: before })]);
    await reportUsage([sum(lineOf(key_id, 90, 90), { minute_ms: before + 2 * minuteMs })]);
    expect((await usageOf(key_id)).total_requests).toBe(3);
    expect(await verify(broker, key)).toMatchObject({ quota: { remaining: 96 } });
  });

  test('counts it for twenty minutes, also when it was refreshed meanwhile', async () => {
    const owner = { user_id: 'usr_later', organization_id: 'org_later' };
    const { key_id } = await mint(broker, owner);
    await broker.call(`PATCH ${keysPath}/${key_id}`, { body: { quota } });
    await refreshed(broker, owner);
    const before = sum(lineOf(key_id, 3, 3), { minute_ms: thisMinuteMs() - 5 * minuteMs });
    await reportUsage([before]);
    expect((await usageOf(key_id)).total_requests).toBe(3);
    const other = await mint(broker);
    await broker.call(`PATCH ${keysPath}/${other.key_id}`, { body: { quota } });
    await sql`UPDATE api_keys SET limited_since = now() - interval '21 minutes' WHERE id = ${other.key_id}`.execute(
      broker.db,
    );
    await reportUsage([sum(lineOf(other.key_id), { minute_ms: thisMinuteMs() - 25 * minuteMs })]);
    expect(await rowsOf([other.key_id])).toBe(0);
  });

  test('that has its limits taken away is decided about in gateways again', async () => {
    const { key_id } = await mint(broker, { quota });
    await broker.call(`PATCH ${keysPath}/${key_id}`, { body: { quota: null } });
    await reportUsage([sum(lineOf(key_id))]);
    expect((await usageOf(key_id)).total_requests).toBe(3);
  });
});

test('what is left out is counted by reason and told of once, with the master key and without a secret', async () => {
  const { id: master_key_id, secret: as } = await broker.createMasterKey();
  const id = await lapsedVerifier(broker, { as });
  const limited = await mint(broker, { quota: { limit: 5, period: 'day' } });
  const lines = [lineOf(limited.key_id), lineOf(`flk_${'0'.repeat(22)}`), lineOf(`flk_${'1'.repeat(22)}`)];
  const told = () =>
    broker.logLines
      .map((line) => JSON.parse(line))
      .filter(
        (line) => line.msg === 'usage report not counted in full' && line.master_key_id === master_key_id,
      );
  for (let time = 0; time < 3; time++) await report(broker, id, [sum(lines)], { as });
  expect(told()).toMatchObject([
    { level: 'warn', verifier_id: id, lines: { unknown_key: 2, limited_key: 1 } },
  ]);
  expect(JSON.stringify(told())).not.toContain(as);
  const metrics = await broker.metrics.registry.metrics();
  expect(metrics).toMatch(/flowplate_usage_reports_left_out_total\{reason="limited_key"\} [1-9]/);
});
