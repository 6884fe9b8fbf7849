import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { atEnd, endAll } from '../support/at-end.ts';
import { type Deployment, deploy, type StartedApi } from '../support/deployment.ts';
import { eventually } from '../support/eventually.ts';
import { keyCalls } from '../support/key-calls.ts';
import { makeDatabase, ownRedis } from '../support/own-stores.ts';
import { startScript } from '../support/processes.ts';
import { query } from '../support/query.ts';
import { type Drill, drill, summaryOf, untilMinted, type Ways } from './failover.ts';
import { type PatroniCluster, type PatroniNode, startPatroniCluster } from './patroni.ts';

let cluster: PatroniCluster;
const ways: Ways = {};
let deployment: Deployment;

/** Longer than a failover takes on a busy machine: `ttl`, `loop_wait`, an election and a start. */
const leaseMs = 60_000;

beforeAll(async () => {
  const [started, redis] = await Promise.all([startPatroniCluster(), ownRedis()]);
  cluster = started;
  const behindHaproxy = new URL((cluster.nodes[0] as PatroniNode).url);
  behindHaproxy.port = String(cluster.port);
  const { databaseUrl } = await makeDatabase(behindHaproxy.href);
  const hosts = cluster.nodes.map(({ port }) => `127.0.0.1:${port}`).join(',');
  const severalHosts = `${databaseUrl.replace(`127.0.0.1:${cluster.port}`, hosts)}?target_session_attrs=read-write`;
  const stores = { databaseUrl, redisUrl: redis.current().url };
  const journal = await mkdtemp(join(tmpdir(), 'flowplate-journal-'));
  atEnd(() => rm(journal, { recursive: true, force: true }));
  const settings = { LEASE_MS: String(leaseMs), UNSAFE_POSTGRES: 'refuse', JOURNAL_DIRECTORY: journal };
  deployment = deploy(stores, settings);
  ways.HAProxy = await deployment.startApi();
  ways['several hosts'] = await deployment.startApi({ env: { DATABASE_URL: severalHosts } });
  await untilAllMinted();
  // Patroni's packages are fetched and unpacked first, once for a working copy.
}, 300_000);

afterAll(endAll);

/** How long a primary that was replaced is left running beside the new one. */
const livesOnMs = 3_000;

const faults: Record<string, () => Promise<void>> = {
  'kill -9 of the leader': async () => {
    const { leader, standby } = await cluster.whenPaired();
    await leader.kill();
    await eventually(
      60_000,
      () => leads(standby),
      (it) => it,
    );
    await untilAllMinted();
    await leader.start();
  },
  "kill -9 of the leader's Patroni, whose Postgres lives on": async () => {
    const { leader, standby } = await cluster.whenPaired();
    await leader.killPatroni();
    await eventually(
      60_000,
      () => leads(standby),
      (it) => it,
    );
    await untilMinted((ways.HAProxy as StartedApi).call);
    // Both are primaries now, to who asks them; only one of them can commit.
    expect(await leads(leader)).toBe(true);
    await sleep(livesOnMs);
    await leader.kill();
    await untilAllMinted();
    await leader.start();
  },
  switchover: async () => {
    const { standby } = await cluster.whenPaired();
    await cluster.switchOver();
    await eventually(
      60_000,
      () => leads(standby),
      (it) => it,
    );
  },
  'kill -9 of the synchronous standby': async () => {
    const { standby } = await cluster.whenPaired();
    await standby.kill();
    await untilAllMinted();
    await standby.start();
  },
  'etcd lost': async () => {
    const { leader } = await cluster.whenPaired();
    await cluster.killEtcd();
    await eventually(
      60_000,
      () => leads(leader),
      (it) => !it,
    );
    await cluster.startEtcd();
  },
  'network cut between the two': async () => {
    cluster.cutNetwork();
    await untilAllMinted();
    cluster.mendNetwork();
  },
};

async function untilAllMinted(): Promise<void> {
  await Promise.all(Object.values(ways).map(({ call }) => untilMinted(call)));
}

test.each(Object.keys(faults))(
  '%s: no acknowledged change is lost, no verdict is wrong, and a repeated mint makes one key',
  async (name) => {
    const result = await drill(ways, async () => {
      await (faults[name] as () => Promise<void>)();
      await cluster.whenPaired();
    });
    process.stdout.write(`${summaryOf(name, result)}\n`);
    expect(result.violations).toEqual([]);
    expect(result.repeatedMints.filter(({ keys }) => keys !== 1)).toEqual([]);
    expect(result.ledger.acknowledged).toBeGreaterThan(0);
    if (name === 'kill -9 of the leader') expect(result.repeatedMints).not.toEqual([]);
    expectVerifiedThroughout(result);
  },
);

/** A lease outlasts the fault, so what memory holds is verified all the time. */
function expectVerifiedThroughout({ seen }: Drill): void {
  const kinds = Object.entries(seen).filter(([kind]) => kind.startsWith('verify, '));
  expect(kinds.map(([kind, { refused }]) => [kind, refused])).toEqual(kinds.map(([kind]) => [kind, 0]));
}

async function leads({ url }: PatroniNode): Promise<boolean> {
  return query(url, 'SELECT pg_is_in_recovery() AS is_standby').then(
    ([row]) => row?.is_standby === false,
    () => false,
  );
}

/** A leader that wakes takes its lock back mostly, and not always. */
const wakingsMax = 2;

test('what a frozen leader brings back to life when it wakes is accepted nowhere, and is recovered', {
  timeout: 240_000,
}, async () => {
  const api = ways.HAProxy as StartedApi;
  const revoked: string[] = [];
  const accepted: string[] = [];
  let isOver = false;
  const asking = askAll(Object.values(ways), () => (isOver ? undefined : revoked), accepted);
  for (let waking = 0; waking < wakingsMax && !(await isHeld(api)); waking++) {
    revoked.push(await revokeBesideFrozenLeader(api));
  }
  if (await isHeld(api)) {
    const recovering = await startScript('scripts/recover.ts', { env: deployment.env });
    const { code } = await recovering.exited;
    expect(code, recovering.stdout() + recovering.stderr()).toBe(0);
    for (const key of revoked)
      await eventually(
        30_000,
        () => keyCalls(api.call).verify(key),
        ({ body }) => body.code === 'REVOKED',
      );
    process.stdout.write('a frozen leader woke, and what it had lost was recovered\n');
  }
  isOver = true;
  await asking;
  expect(accepted).toEqual([]);
});

/** A key whose revoke was answered by the new leader while the old one was frozen. */
async function revokeBesideFrozenLeader(api: StartedApi): Promise<string> {
  const { leader, standby } = await cluster.whenPaired();
  const { mint, revoke, verify } = keyCalls(api.call);
  const { key, userId } = await mint();
  const wake = leader.freezePatroni();
  await eventually(
    60_000,
    () => leads(standby),
    (it) => it,
  );
  await untilMinted(api.call);
  await eventually(
    20_000,
    () => revoke(userId).catch(() => undefined),
    (answer) => answer !== undefined,
  );
  expect((await verify(key)).body.code).not.toBe('VALID');
  wake();
  // It takes the lock back within a second or two, or follows the new leader.
  await sleep(5_000);
  await eventually(
    60_000,
    async () => [await isHeld(api), (await api.call('GET /health/ready', { as: null })).status],
    ([held, status]) => held === true || status === 200,
  );
  return key;
}

async function isHeld(api: StartedApi): Promise<boolean> {
  const { body } = await api.call('GET /health/ready', { as: null });
  return body.problems?.[0] === 'DATABASE_WENT_BACK';
}

async function askAll(
  apis: readonly StartedApi[],
  wanted: () => readonly string[] | undefined,
  accepted: string[],
): Promise<void> {
  for (let keys = wanted(); keys !== undefined; keys = wanted()) {
    for (const { call } of apis) {
      for (const key of keys) {
        const code = await keyCalls(call)
          .verify(key)
          .then(
            ({ body }) => body.code,
            () => undefined,
          );
        if (code === 'VALID') accepted.push(key);
      }
    }
    await sleep(20);
  }
}
