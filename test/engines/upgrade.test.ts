import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { hasHistory } from '../../scripts/release/previous-release.ts';
import { createDatabase } from '../../scripts/services/create-database.ts';
import { projectRoot } from '../../scripts/services/project-root.ts';
import { FlowplateVerifier } from '../../src/sdk/verifier.ts';
import type { AuditVerification } from '../../src/usecases/audit/audit-chain.ts';
import { atEnd, endAll } from '../support/at-end.ts';
import { type Call, caller } from '../support/call.ts';
import { eventually } from '../support/eventually.ts';
import { keyCalls, organization } from '../support/key-calls.ts';
import { reportLeak } from '../support/leaks.ts';
import { startLocalVerifier, untilLeaseIsHeld } from '../support/local-verifier.ts';
import { query, withConnection } from '../support/query.ts';
import { freshRedis } from '../support/redis.ts';
import { Fleet, servedBy } from './fleet.ts';
import { type Release, unpackPreviousRelease } from './previous-release.ts';
import { type Counted, UpgradeLoad } from './upgrade-load.ts';
import { Witness } from './witness.ts';

const waitMsMax = 30_000;

let previous: Release;
let databaseUrl: string;
let fleet: Fleet;
let url: string;
let call: Call;
let witness: Witness;

/** API processes that have answered since this was cleared. */
const served = new Set<string | null>();

/** The previous release comes from git: a shallow clone, or a copy without git, has none. */
const upgrade = test.skipIf(!hasHistory(projectRoot));

beforeAll(async () => {
  if (!hasHistory(projectRoot)) return;
  previous = await unpackPreviousRelease();
  const name = `test_${randomBytes(8).toString('hex')}`;
  databaseUrl = await createDatabase(inject('postgresUrl'), name);
  atEnd(() => query(inject('postgresUrl'), `DROP DATABASE ${name} WITH (FORCE)`));
  const redis = await freshRedis(inject('redisUrl'));
  fleet = await Fleet.create(previous, { databaseUrl, redisUrl: redis.url });
  await fleet.migrate('old');
  await Promise.all([fleet.startApi('old', 0), fleet.startApi('old', 1), fleet.replaceWorker('old')]);
  url = await fleet.balance();
  witness = new Witness(databaseUrl);
  await witness.start();
  atEnd(() => witness.stop());
  const through = caller(url, fleet.masterKey);
  call = async (...asked) => {
    const answer = await through(...asked);
    served.add(answer.headers.get(servedBy));
    return answer;
  };
});

afterAll(endAll);

/** A gateway that embeds the SDK. */
async function startGateway(Verifier: typeof FlowplateVerifier, baseUrl = url): Promise<FlowplateVerifier> {
  const verifier = new Verifier({ baseUrl, masterKey: fleet.masterKey });
  atEnd(() => verifier.close());
  await verifier.start();
  return verifier;
}

async function previousSdk(): Promise<typeof FlowplateVerifier> {
  const module = await import(pathToFileURL(join(previous.root, 'src/sdk/verifier.ts')).href);
  return module.FlowplateVerifier;
}

/** Until each of these has answered in the same stretch of time. */
async function bothServe(...servers: string[]): Promise<void> {
  served.clear();
  await eventually(
    waitMsMax,
    () => servers.every((server) => served.has(server)),
    (isServed) => isServed,
  );
}

/** Both releases count the calls of a key in one place. */
async function expectOneLimit(): Promise<void> {
  const { key } = await keyCalls(call).mint({ rate_limit: { limit: 20, window_seconds: 3_600 } });
  served.clear();
  const codes: string[] = [];
  while (!codes.includes('RATE_LIMITED')) codes.push((await keyCalls(call).verify(key)).body.code);
  expect(codes.filter((code) => code === 'VALID')).toHaveLength(20);
  expect(served.size).toBe(2);
}

async function countedInPostgres(): Promise<Map<string, Counted>> {
  const text = 'SELECT lineage_id, accepted::int AS accepted, refused::int AS refused FROM usage_totals';
  const rows = await query(databaseUrl, text);
  return new Map(rows.map(({ lineage_id, accepted, refused }) => [lineage_id, { accepted, refused }]));
}

const sum = (numbers: ReadonlyMap<string, number>) =>
  [...numbers.values()].reduce((total, each) => total + each, 0);

upgrade(
  'the previous release and this one, mixed on the new schema, lose no call on the way there and back, and seal one log',
  async () => {
    const load = new UpgradeLoad(call, witness);
    await load.start();
    const previousGateway = await startGateway(await previousSdk());
    load.add('SDK of the previous release', async (key) => (await previousGateway.verify({ key })).code);

    // The way there: the schema, an API process, the worker, the other API process.
    await bothServe('old-0', 'old-1');
    await fleet.migrate('new');
    await bothServe('old-0', 'old-1');
    await fleet.startApi('new', 0);
    await fleet.endApi('old', 0);
    await bothServe('old-1', 'new-0');
    const gateway = await startGateway(FlowplateVerifier);
    load.add('SDK', async (key) => (await gateway.verify({ key })).code);
    const localVerifier = await startLocalVerifier({ brokers: [url], masterKey: fleet.masterKey });
    await untilLeaseIsHeld(localVerifier);
    const atLocal = caller(localVerifier.url, fleet.masterKey);
    load.add('local verifier', async (key) => {
      const { status, body } = await atLocal('POST /v1/flowplate/api-keys/verify', { body: { key } });
      return body.code ?? `status ${status}`;
    });
    await expectOneLimit();
    const sealedByOld = await untilSealed();
    await fleet.replaceWorker('new');
    await fleet.startApi('new', 1);
    await fleet.endApi('old', 1);
    await bothServe('new-0', 'new-1');

    // The way back. Its migration finds nothing to do.
    await fleet.migrate('old');
    await fleet.startApi('old', 0);
    await fleet.endApi('new', 0);
    await bothServe('old-0', 'new-1');
    await fleet.replaceWorker('old');
    await fleet.startApi('old', 1);
    await fleet.endApi('new', 1);
    await bothServe('old-0', 'old-1');

    await load.stop();
    await Promise.all([previousGateway.close(), gateway.close()]);
    localVerifier.kill('SIGTERM');
    expect(await localVerifier.exited).toEqual({ code: 0, signal: null });

    expect([load.failed, load.wrong, fleet.errors()]).toEqual([[], [], []]);
    expect(load.revoked).toBeGreaterThan(0);
    expect(load.verdicts.size).toBe(5);
    expect(sum(load.late)).toBeLessThan(sum(load.verdicts) / 10);
    // Each call that got a verdict is counted, once.
    const miscounted = async () => load.miscounted(await countedInPostgres());
    await eventually(waitMsMax, miscounted, ({ length }) => length === 0);
    expect(await miscounted()).toEqual([]);
    const { events, firstFault } = await untilSealed();
    expect(firstFault).toBeNull();
    expect(sealedByOld.firstFault).toBeNull();
    expect(sealedByOld.events).toBeGreaterThan(100);
    expect(events).toBeGreaterThan(sealedByOld.events);
  },
);

/** Until workers have sealed what is in the audit log; this release then proves it. */
function untilSealed(): Promise<AuditVerification> {
  return eventually(
    waitMsMax,
    () => fleet.proveLog(),
    ({ events, unsealed, firstFault }) => firstFault !== null || unsealed < events / 10,
  );
}

describe('beside API processes and gateways of the previous release', () => {
  let gateways: FlowplateVerifier[];
  let newCall: Call;
  let newKeys: ReturnType<typeof keyCalls>;
  /** Every way to verify there, by its name. */
  const ways = new Map<string, (key: string) => Promise<string>>();

  beforeAll(async () => {
    if (!hasHistory(projectRoot)) return;
    await fleet.migrate('new');
    await fleet.startApi('new', 0);
    const Previous = await previousSdk();
    const hubs = [fleet.urlOf('old', 0), fleet.urlOf('new', 0)];
    gateways = await Promise.all(hubs.map((hub) => startGateway(Previous, hub)));
    newCall = caller(fleet.urlOf('new', 0), fleet.masterKey);
    newKeys = keyCalls(newCall);
    const apis = [['old', 0] as const, ['old', 1] as const, ['new', 0] as const];
    for (const [age, place] of apis) {
      const { codeOf } = keyCalls(caller(fleet.urlOf(age, place), fleet.masterKey));
      ways.set(`${age}-${place}`, codeOf);
    }
    for (const [at, hub] of ['old', 'new'].entries()) {
      ways.set(`old gateway of ${hub}-0`, async (key) => (await gateways[at]?.verify({ key }))?.code ?? '');
    }
  });

  async function codesOf(key: string): Promise<Record<string, string>> {
    const codes = [...ways].map(async ([way, verify]) => [way, await verify(key).catch(String)] as const);
    return Object.fromEntries(await Promise.all(codes));
  }

  /** Until all say this; one that is late on a busy machine is asked again. */
  async function untilAllSay(key: string, expected: RegExp): Promise<void> {
    const others = async () => Object.entries(await codesOf(key)).filter(([, code]) => !expected.test(code));
    await eventually(waitMsMax, others, ({ length }) => length === 0);
    expect(await others()).toEqual([]);
  }

  async function expectNoneAccepts(key: string): Promise<void> {
    const accepting = Object.entries(await codesOf(key)).filter(([, code]) => code === 'VALID');
    expect(accepting).toEqual([]);
  }

  /** Until the report is `complete`: 200. On a busy machine it may be pending, 202. */
  async function reportUntilComplete(key: string): Promise<void> {
    const report = async () => (await reportLeak({ call: newCall }, key)).status;
    await eventually(waitMsMax, report, (status) => status === 200);
  }

  upgrade('a canary key is accepted by none of them', async () => {
    const { key } = await newKeys.mint({ canary: true });
    await untilAllSay(key, /^NOT_FOUND$/);
  });

  upgrade(
    'a key that waits for its first use is accepted by none before a process of this release has activated it',
    async () => {
      const { key, userId } = await newKeys.mint();
      await untilAllSay(key, /^VALID$/);
      const path = `POST /v1/flowplate/api-keys/${userId}/${organization}/refresh`;
      const refreshed = await newCall(path, {
        body: { activate: 'on_first_use', grace_period_seconds: 600 },
      });
      const next: string = refreshed.body.new_key.key;
      const oldWays = [...ways].filter(([way]) => way.endsWith('old-0') || way === 'old-1');
      for (const [, verify] of oldWays) expect(await verify(next)).toBe('NOT_FOUND');
      expect(await newKeys.codeOf(next)).toBe('VALID');
      await untilAllSay(next, /^VALID$/);
      await untilAllSay(key, /^(VALID|SUPERSEDED)$/);
    },
  );

  upgrade(
    'a reported key is refused by all of them once that is complete, and accepted again after its release',
    async () => {
      const { key, keyId } = await newKeys.mint();
      await untilAllSay(key, /^VALID$/);
      await reportUntilComplete(key);
      await expectNoneAccepts(key);
      await untilAllSay(key, /^(REVOKED|QUARANTINED)$/);
      expect(await ways.get('old-0')?.(key)).toBe('REVOKED');
      expect(await newKeys.codeOf(key)).toBe('QUARANTINED');

      // One of them hears of nothing: that is pending, and it has no lease when it goes on.
      const { key: other } = await newKeys.mint();
      await untilAllSay(other, /^VALID$/);
      fleet.signal('old', 1, 'SIGSTOP');
      const reported = await reportLeak({ call: newCall }, other);
      fleet.signal('old', 1, 'SIGCONT');
      expect(reported.status).toBe(202);
      await reportUntilComplete(other);
      await expectNoneAccepts(other);

      const release = () => newCall(`POST /v1/flowplate/api-keys/${keyId}/release`, { body: {} });
      expect((await release()).body).toMatchObject({ error: { code: 'DEPENDENCY_UNAVAILABLE' } });
      await expectNoneAccepts(key);
      await gateways[0]?.close();
      await Promise.all([fleet.endApi('old', 0), fleet.endApi('old', 1)]);
      for (const way of ['old-0', 'old-1', 'old gateway of old-0']) ways.delete(way);
      expect([200, 202]).toContain((await release()).status);
      await untilAllSay(key, /^VALID$/);
      await untilAllSay(other, /^(REVOKED|QUARANTINED)$/);
      await fleet.startApi('old', 0);
      expect(await keyCalls(caller(fleet.urlOf('old', 0), fleet.masterKey)).codeOf(key)).toBe('VALID');
      await gateways[1]?.close();
      await fleet.endApi('new', 0);
    },
  );
});

upgrade('control arm: calls fail while a table is locked for longer than they wait', async () => {
  const load = new UpgradeLoad(call, witness);
  await load.start();
  await withConnection(databaseUrl, async (migrating) => {
    await migrating.query('BEGIN; LOCK TABLE api_keys');
    await untilCallsFail(load);
    await migrating.query('ROLLBACK');
  });
  await load.stop();
});

upgrade('control arm: calls fail when a column that the previous release reads is renamed', async () => {
  const load = new UpgradeLoad(call, witness);
  await load.start();
  await query(databaseUrl, 'ALTER TABLE api_keys RENAME COLUMN key_prefix TO beginning');
  await untilCallsFail(load);
  await load.stop();
});

async function untilCallsFail(load: UpgradeLoad): Promise<void> {
  await eventually(
    waitMsMax,
    () => load.failed.length,
    (count) => count > 0,
  );
}
