import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { readKeys } from '../load/key-draw.ts';
import { bearer } from '../load/timed-calls.ts';
import { number } from '../report/statistics.ts';
import { type Caller, caller } from '../stage/caller.ts';
import { newOperator } from '../stage/operator-keys.ts';
import type { Scenario } from './scenario.ts';

/** Callers that ask for the keys all the time, at each API process. */
const askersEach = 4;
/** Between two questions of a caller: the processor is for what is measured. */
const askEveryMs = 5;
/** Keys that are asked for before the leak, so that memory has them. */
const askedBefore = 2_000;
const keysPerBatch = 100;
const sweepersEach = 2;

const tidyMsMax = 30 * 60_000;
const sweepMsMax = 5 * 60_000;

export const leakedMasterKey: Scenario = {
  name: 'leaked-master-key',
  about: 'the guide about a leaked master key with very many keys: until all are refused, and tidied',
  async run(stage, pace) {
    const apis = [await stage.startApi('api'), await stage.startApi('second-api')];
    await stage.startWorker();
    const base = (port: number) => `http://127.0.0.1:${port}`;
    const operator = caller(base(apis[0]?.port ?? 0), bearer(await newOperator(stage)));
    const gateways = apis.map(({ port }) =>
      caller(base(port), { 'x-flowplate-master-key': stage.masterKey }),
    );
    const made = { name: 'leaked', permissions: ['keys:mint', 'keys:read'] };
    const leaked = await operator('POST /api/v1/platform/master-keys', made);
    const keysFile = join(stage.directory, 'leaked');
    await stage.sql.query(`ALTER TABLE api_keys ALTER minted_by SET DEFAULT '${leaked.id}'`);
    await stage.seedKeys(pace.manyKeys, 'leaked', keysFile);
    await stage.sql.query('ALTER TABLE api_keys ALTER minted_by DROP DEFAULT');
    await stage.sql.query('VACUUM ANALYZE api_keys');
    const keys = readKeys(keysFile, pace.manyKeys);
    const asking = startAsking(gateways, keys);
    while (asking.seen.length < askedBefore) await sleep(100);

    const order = { action: 'revoke', filter: { minted_by: leaked.id }, reason: 'key_compromise' };
    const revoking = await timed(() =>
      operator(`POST /api/v1/platform/master-keys/${leaked.id}/revoke`, { reason: 'key_compromise' }),
    );
    const preview = await timed(() =>
      operator('POST /api/v1/platform/hidden-keys/bulk', { ...order, dry_run: true }),
    );
    const stop = await timed(() =>
      operator('POST /api/v1/platform/hidden-keys/bulk', {
        ...order,
        confirm_token: preview.answer.confirm_token,
      }),
    );
    const completeAt = performance.now();
    for (const { answer } of [revoking, stop]) {
      if (answer.propagation !== 'complete') throw new Error(`Not complete: ${JSON.stringify(answer)}`);
    }
    console.error(`all refused after ${number(completeAt - revoking.startedMs)} ms; the rows are tidied`);
    const job = await tidied(operator, stop.answer.job_id);
    const swept = await sweep(gateways, keys);
    const asked = await asking.end();
    const after = asked.filter(({ sentMs }) => sentMs > completeAt);
    const allowed = after.filter(({ isAllowed }) => isAllowed).length + swept.allowed;
    if (job.affected_count !== pace.manyKeys) throw new Error(`${job.affected_count} keys were ended`);
    if (allowed > 0) throw new Error(`${allowed} keys were accepted after "complete"`);
    return [
      {
        title: `A leaked master key that minted ${number(pace.manyKeys)} keys`,
        columns: ['', 'ms'],
        rows: [
          ['the master key is revoked, until “complete”', number(revoking.tookMs, 1)],
          ['the preview, which counts its keys', number(preview.tookMs, 1)],
          ['the stop of all of them, until “complete”', number(stop.tookMs, 1)],
          ['from the first call to the last “complete”', number(completeAt - revoking.startedMs, 1)],
          ['until every row says it', number(job.tookMs)],
        ],
        notes: [
          `Over HTTP, as an operator, with two API processes. The worker tidies ${number((pace.manyKeys / job.tookMs) * 1_000)} rows a second. Accepted after “complete”: 0 of ${number(after.length)} verifications meanwhile, and 0 of ${number(swept.asked)} keys that were asked for at the end.`,
        ],
      },
    ];
  },
};

type Asked = { sentMs: number; isAllowed: boolean };

/** Asks every process for any of the keys, until `end`. */
function startAsking(gateways: readonly Caller[], keys: readonly string[]) {
  const seen: Asked[] = [];
  let isOver = false;
  const ask = async (gateway: Caller) => {
    while (!isOver) {
      const key = keys[Math.floor(Math.random() * keys.length)];
      const sentMs = performance.now();
      const { valid } = await gateway('POST /v1/flowplate/api-keys/verify', { key });
      seen.push({ sentMs, isAllowed: valid });
      await sleep(askEveryMs);
    }
  };
  const askers = gateways.flatMap((gateway) => Array.from({ length: askersEach }, () => ask(gateway)));
  const all = Promise.all(askers);
  const end = async () => {
    isOver = true;
    await all;
    return seen;
  };
  return { seen, end };
}

/** The job at its end, or what it has done after half an hour. */
async function tidied(operator: Caller, jobId: string): Promise<{ affected_count: number; tookMs: number }> {
  const startedMs = performance.now();
  for (;;) {
    const job = await operator(`GET /api/v1/platform/jobs/${jobId}`);
    const tookMs = performance.now() - startedMs;
    if (job.finished_at !== null) {
      return { ...job, tookMs: Date.parse(job.finished_at) - Date.parse(job.created_at) };
    }
    if (tookMs > tidyMsMax) return { ...job, tookMs };
    await sleep(500);
  }
}

/** Asks for each key once, in batches, for five minutes at most. */
async function sweep(
  gateways: readonly Caller[],
  keys: readonly string[],
): Promise<{ asked: number; allowed: number }> {
  const untilMs = performance.now() + sweepMsMax;
  let next = 0;
  let allowed = 0;
  const sweepSome = async (gateway: Caller) => {
    while (next < keys.length && performance.now() < untilMs) {
      const batch = keys.slice(next, next + keysPerBatch).map((key) => ({ key }));
      next += keysPerBatch;
      const { results } = await gateway('POST /v1/flowplate/api-keys/verify/batch', { keys: batch });
      allowed += results.filter(({ valid }: { valid: boolean }) => valid).length;
    }
  };
  const sweepers = gateways.flatMap((gateway) =>
    Array.from({ length: sweepersEach }, () => sweepSome(gateway)),
  );
  await Promise.all(sweepers);
  return { asked: Math.min(next, keys.length), allowed };
}

// biome-ignore lint/suspicious/noExplicitAny: each call reads its own members of the answer
async function timed(run: () => Promise<any>) {
  const startedMs = performance.now();
  const answer = await run();
  return { answer, startedMs, tookMs: performance.now() - startedMs };
}
