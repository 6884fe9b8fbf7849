import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, expect, inject, test } from 'vitest';
import { atEnd, endAll } from '../support/at-end.ts';
import { cloneDatabase } from '../support/database.ts';
import { deploy } from '../support/deployment.ts';
import { eventually } from '../support/eventually.ts';
import { mint, revoke, revokeEverywhere, verify } from '../support/keys.ts';
import { loggedLine, startScript } from '../support/processes.ts';
import { query } from '../support/query.ts';
import { freshRedis } from '../support/redis.ts';

/**
 * So many changes within minutes, as after one incident. Ten times a hundred thousand make the
 * figures of docs/guarantees.md.
 */
const changes = Number(process.env.CATCH_UP_CHANGES ?? 50_000);

/** Memory for changes is bounded for any number, including garbage that is collected late. */
const memoryMbMax = 400;

afterAll(endAll);

const residentMb = async (pid: number) =>
  Number(/VmRSS:\s+(\d+)/.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1_024;

test('after a flood of changes a process and a gateway start in bounded memory, and verification goes on', async ({
  annotate,
}) => {
  const { url: databaseUrl, drop } = await cloneDatabase(inject('postgresUrl'));
  atEnd(drop);
  const { url: redisUrl } = await freshRedis(inject('redisUrl'));
  const deployment = deploy({ databaseUrl, redisUrl });
  const early = await deployment.startApi();
  const { key, key_id } = await mint(early);
  const [unknown, revoked] = [await mint(early), await mint(early)];
  await verify(early, key);
  const baseMb = await residentMb(early.pid);

  const codes: Record<string, number> = {};
  let isOver = false;
  const verifying = (async () => {
    while (!isOver) {
      for (const asked of [key, unknown.key]) {
        const { code } = await verify(early, asked).catch(() => ({ code: 'none' }));
        codes[code] = (codes[code] ?? 0) + 1;
      }
      await sleep(5);
    }
  })();

  await revoke(early, revoked.key_id);
  for (let from = 0; from < changes; from += 100_000) {
    await query(
      databaseUrl,
      `INSERT INTO key_changes (kind, subject_id, revision)
       SELECT 'key', 'flk_' || lpad(number::text, 22, '0'), 2
       FROM generate_series($1::int + 1, least($1 + 100000, $2::int)) AS number`,
      [from, changes],
    );
  }
  const lateOnes = (async () => {
    const rows = () =>
      query(
        databaseUrl,
        `SELECT min(applied_seq) = (SELECT max(seq) FROM key_changes) AS is_there FROM verifiers`,
      );
    return eventually(60_000, rows, ([row]) => row?.is_there === true);
  })();

  const apiMs = performance.now();
  const late = await deployment.startApi();
  await eventually(
    10_000,
    () => late.call('GET /health/ready'),
    ({ body }) => body.status === 'ready',
  );
  const apiStartMs = performance.now() - apiMs;
  const env = { BROKER_URL: late.url, MASTER_KEY: deployment.masterKey };
  const gatewayMs = performance.now();
  const gateway = await startScript('test/sdk/fixtures/embedding-process.ts', { env });
  const { port } = await loggedLine(gateway, 'listening');
  const gatewayStartMs = performance.now() - gatewayMs;
  const ask = async (asked: string) =>
    (await (await fetch(`http://127.0.0.1:${port}`, { method: 'POST', body: asked })).json()) as {
      isLeaseHeld: boolean;
      code: string;
    };
  expect(await ask(key)).toMatchObject({ isLeaseHeld: true, code: 'VALID' });
  expect((await ask(revoked.key)).code).toBe('REVOKED');

  await lateOnes;
  const caughtUpMs = performance.now() - apiMs;
  await revokeEverywhere(late, key_id);
  expect((await ask(key)).code).toBe('REVOKED');
  expect((await verify(early, key)).code).toBe('REVOKED');
  isOver = true;
  await verifying;
  const residents = await Promise.all([late, early].map(({ pid }) => residentMb(pid)));
  const grownMb = residents.map((mb) => Math.round(mb - baseMb));
  await annotate(
    [
      `${changes} changes: an API process is ready after ${Math.round(apiStartMs)} ms`,
      `a gateway holds its lease after ${Math.round(gatewayStartMs)} ms`,
      `a running process has caught up after ${Math.round(caughtUpMs)} ms`,
      `memory grows by ${grownMb.join(' and ')} MB (started late and early)`,
      `verdicts meanwhile ${JSON.stringify(codes)}`,
    ].join(', '),
  );
  expect(Object.keys(codes).sort()).toEqual(['REVOKED', 'VALID']);
  expect(Math.max(...grownMb)).toBeLessThan(memoryMbMax);
}, 240_000);
