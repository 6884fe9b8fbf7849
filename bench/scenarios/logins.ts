import { randomUUID } from 'node:crypto';
import type { LoadResult, Target } from '../load/jobs.ts';
import { latencyTable } from '../report/latency-table.ts';
import { number } from '../report/statistics.ts';
import type { BenchServer } from '../stage/server.ts';
import type { Stage } from '../stage/stage.ts';
import { interleave } from './interleave.ts';
import { askOnce } from './key-load.ts';
import { connections, type Pace, type Scenario } from './scenario.ts';

const perSecond = 2_000;
const loginsAtOnce = 1_000;

export const logins: Scenario = {
  name: 'logins',
  about: 'latency of verification while a thousand wrong passwords are being tried',
  async run(stage, pace) {
    const keys = { ...pace, keys: Math.min(pace.keys, 10_000) };
    await stage.seedKeys(keys.keys, 'logins');
    const api = await stage.startApi('api', { TRUSTED_PROXIES: '127.0.0.1' });
    await stage.startWorker();
    await askOnce(api, stage, keys);
    const atRate = () => verifyAtRate(api, stage, keys);
    const runs = await interleave(
      stage.otherWork,
      [
        { name: 'nobody logs in', measure: atRate },
        {
          name: `${number(loginsAtOnce)} log in at once`,
          measure: () => whileLoggingIn(api, atRate),
        },
      ],
      pace.rounds,
    );
    const title = 'Verify while others log in';
    const notes = [
      `${number(perSecond)} verifications per second at fixed moments; ${pace.rounds} rounds of ${pace.windowMs / 1_000} s. Each login is for an account and from an attacker of its own as far as the throttle can tell, so that every one of them wants a hash. ${await stage.ledger.requireCounted()}`,
    ];
    return [latencyTable({ title, runs, columns: ['p50 ms', 'p99 ms', 'p99.9 ms'], notes })];
  },
};

function verifyAtRate(target: Target, stage: Stage, pace: Pace): Promise<LoadResult> {
  const { masterKey, keysFile } = stage;
  const plan = { kind: 'verify', masterKey, keysFile, count: pace.keys, draw: 'evenly' } as const;
  return stage.load.run({
    kind: 'fixed rate',
    target,
    connections,
    plan,
    perSecond,
    forMs: pace.windowMs,
  });
}

async function whileLoggingIn(api: BenchServer, measure: () => Promise<LoadResult>): Promise<LoadResult> {
  const wave = Promise.all(Array.from({ length: loginsAtOnce }, () => logIn(api.port)));
  const result = await measure();
  await wave;
  return result;
}

async function logIn(port: number): Promise<void> {
  const response = await fetch(`http://127.0.0.1:${port}/api/v1/platform/auth/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-forwarded-for': anyAddress() },
    body: JSON.stringify({ email: `${randomUUID()}@example.com`, password: randomUUID() }),
  });
  await response.arrayBuffer();
}

function anyAddress(): string {
  return Array.from({ length: 4 }, () => 1 + Math.floor(Math.random() * 254)).join('.');
}
