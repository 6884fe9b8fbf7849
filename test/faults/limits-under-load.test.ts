import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { atEnd, endAll } from '../support/at-end.ts';
import { cloneDatabase } from '../support/database.ts';
import { type Deployment, deploy, type StartedApi } from '../support/deployment.ts';
import { type Edit, editSource } from '../support/edited-source.ts';
import { type KeyCalls, keyCalls } from '../support/key-calls.ts';
import { freshRedis } from '../support/redis.ts';
import { type Flooded, type FloodOptions, flood } from './flood.ts';

let deployment: Deployment;
let apis: StartedApi[];
let keys: KeyCalls;

beforeAll(async () => {
  const database = await cloneDatabase(inject('postgresUrl'));
  atEnd(() => database.drop());
  const redis = await freshRedis(inject('redisUrl'));
  deployment = deploy({ databaseUrl: database.url, redisUrl: redis.url });
  apis = await Promise.all([deployment.startApi(), deployment.startApi(), deployment.startApi()]);
  keys = keyCalls((apis[0] as StartedApi).call);
});

afterAll(endAll);

/** Time-outs as Node's own are: they fire before the sockets are read. */
const earlyDeadlines: Edit[] = [
  {
    file: 'src/concurrency/deadline.ts',
    from: 'immediate = setImmediate(onLate);',
    to: 'onLate(); immediate = undefined;',
  },
  { file: 'src/concurrency/deadline.ts', from: 'lateMs < lateMsMin', to: 'true' },
];

/** Admits every call that cannot be counted. */
const openLimits: Edit = {
  file: 'src/verify/limits.ts',
  from: 'return await this.#spendShare(line, record, cost, now);',
  to: 'return { refusal: undefined };',
};

const neverOverloaded: Edit = {
  file: 'src/verify/limits.ts',
  from: 'loopLatenessMs() < latenessMsMax',
  to: 'true',
};

const limit = 100;
const hourly = { rate_limit: { limit, window_seconds: 3_600 } };
const monthly = { quota: { limit, period: 'month' } };

async function floodKey(
  settings: object,
  of: Pick<FloodOptions, 'connections' | 'callsEach' | 'ms'> & { apis: StartedApi[] },
) {
  const { key } = await keys.mint(settings as Record<string, unknown>);
  const { apis: asked, ...options } = of;
  return flood({
    ...options,
    key,
    ports: asked.map(({ port }) => port),
    masterKey: deployment.masterKey,
  });
}

/**
 * Exactly the limit, all of it counted in Redis. On a machine that is so busy that Redis itself
 * takes more than 100 ms, shares are let through as while it is away, within the bound for that.
 */
function expectLimit({ answers, enforced }: Flooded): void {
  expect(enforced.false).toBeUndefined();
  if (enforced.local === undefined) expect(answers.VALID).toBe(limit);
  else expect(answers.VALID).toBeLessThan(2 * limit);
}

/** A process that is stopped for a moment, again and again, while its answers arrive. */
async function stopAgainAndAgain(api: StartedApi, times: number): Promise<void> {
  for (let stop = 0; stop < times; stop++) {
    await sleep(200);
    api.kill('SIGSTOP');
    await sleep(300);
    api.kill('SIGCONT');
  }
}

/** A control arm goes on until it has shown what the protection is for. */
async function findInRounds(round: () => Promise<boolean>): Promise<boolean> {
  for (let rounds = 0; rounds < 5; rounds++) if (await round()) return true;
  return false;
}

test('a thousand connections get exactly the limit of a key through; with early deadlines and open limits more', async () => {
  const attack = { connections: 1_000, ms: 3_000 };
  expectLimit(await floodKey(hourly, { ...attack, apis: apis.slice(0, 1) }));

  const source = await editSource([...earlyDeadlines, openLimits, neverOverloaded]);
  const control = await deployment.startApi({ source });
  const isOpen = async () => {
    const flooding = floodKey(hourly, { ...attack, ms: 1_000, apis: [control] });
    // The load alone makes it late enough now and then, a stop always.
    await stopAgainAndAgain(control, 1);
    return ((await flooding).answers.VALID ?? 0) > limit;
  };
  expect(await findInRounds(isOpen)).toBe(true);
  control.kill('SIGTERM');
});

test.each([
  ['limit', hourly],
  ['quota', monthly],
  ['limit and a quota', { ...hourly, ...monthly }],
])(
  'of 2,000 first calls at once over three processes exactly as many get through as the %s allows',
  async (_what, settings) => {
    expectLimit(await floodKey(settings, { connections: 2_000, callsEach: 1, apis }));
  },
);

test('a process that is stopped for 300 ms again and again does not take Redis for away; with early deadlines it does', async () => {
  const floodStopped = async (api: StartedApi, settings: object) => {
    const flooding = floodKey(settings, { connections: 100, ms: 1_600, apis: [api] });
    await stopAgainAndAgain(api, 3);
    return flooding;
  };
  expectLimit(await floodStopped(apis[0] as StartedApi, { ...hourly, ...monthly }));

  const control = await deployment.startApi({ source: await editSource(earlyDeadlines) });
  const isMisled = async () => (await floodStopped(control, hourly)).enforced.local !== undefined;
  expect(await findInRounds(isMisled)).toBe(true);
  control.kill('SIGTERM');
});
