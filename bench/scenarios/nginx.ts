import { join } from 'node:path';
import type { LoadResult, Target } from '../load/jobs.ts';
import { readKeys } from '../load/key-draw.ts';
import { cpuMsOf } from '../load/process-cpu.ts';
import { inWords, number } from '../report/statistics.ts';
import type { Table } from '../report/table.ts';
import { fillRedis } from '../stage/fill-redis.ts';
import { type Decision, startNginx } from '../stage/nginx.ts';
import type { Stage } from '../stage/stage.ts';
import { type Arm, interleave, type Runs } from './interleave.ts';
import { connections, type Pace, type Scenario } from './scenario.ts';

/** The reference of requests per second, and that of processor time. */
const reference = 'the API over TCP';
const bare = 'bare node:http, socket';
export const throughNginx = { alone: 'nginx alone', localVerifier: 'a local verifier, socket' } as const;

/** More than a gateway of a small company sees in an hour; each is asked for once at first. */
const keysMax = 20_000;

export type ThroughNginx = LoadResult & { nginxMicros: number };

export const nginx: Scenario = {
  name: 'nginx',
  about: 'a real nginx with auth_request: alone, with a map, and asking the API or a local verifier',
  async run(stage, pace) {
    const keys = Math.min(pace.keys, keysMax);
    await stage.seedKeys(keys, 'nginx');
    await stage.startWorker();
    await fillRedis(stage.sql, stage.redisUrl, stage.keyring);
    const arms = await nginxArms(stage, { ...pace, keys });
    const runs = await interleave(stage.otherWork, arms, Math.max(pace.rounds, 10));
    return [tableOf(runs, { ...pace, keys }, await stage.ledger.requireCounted())];
  },
};

type Asked = { pid: number; isOurs: boolean };
const nobody: Asked = { pid: 0, isOurs: false };

/** Needs seeded keys and a running worker. */
export async function nginxArms(stage: Stage, pace: Pace): Promise<Arm<ThroughNginx>[]> {
  const { directory, masterKey } = stage;
  const socket = (name: string) => join(directory, `${name}.sock`);
  const bareServer = await stage.startPeer('empty-node-http', { SOCKET: socket('bare') }, 'nginx-bare');
  const api = await stage.startApi('nginx-api', { LISTEN_SOCKET: socket('api') });
  const verifier = await stage.startLocalVerifier('local-verifier', api.port, socket('verifier'));
  const arm = async (
    name: string,
    decision: Decision,
    { pid, isOurs }: Asked,
  ): Promise<Arm<ThroughNginx>> => {
    const label = name.replace(/\W+/g, '-');
    const server = await startNginx(directory, label, decision, masterKey);
    stage.closing.add(name, () => server.stop());
    const target = { ...server, pid };
    if (isOurs) await fillMemory(stage, pace, target);
    return { name, measure: () => measure(stage, pace, target, server.pid, isOurs) };
  };
  const at = (address: string): Decision => ({ by: 'check', at: address });
  const notOurs = { pid: bareServer.pid, isOurs: false };
  const ofApi = { pid: api.pid, isOurs: true };
  return [
    await arm(throughNginx.alone, { by: 'nobody' }, nobody),
    await arm('a map of the keys', { by: 'map', keys: readKeys(stage.keysFile, pace.keys) }, nobody),
    await arm('bare node:http, TCP', at(`127.0.0.1:${bareServer.port}`), notOurs),
    await arm(bare, at(`unix:${socket('bare')}`), notOurs),
    await arm(reference, at(`127.0.0.1:${api.port}`), ofApi),
    await arm('the API, socket', at(`unix:${socket('api')}`), ofApi),
    await arm(throughNginx.localVerifier, at(`unix:${socket('verifier')}`), {
      pid: verifier.pid,
      isOurs: true,
    }),
  ];
}

/** Asks for each key once. */
async function fillMemory(stage: Stage, { keys }: Pace, target: Target): Promise<void> {
  const { inAll } = await stage.load.run({
    kind: 'closed loop',
    target,
    connections,
    plan: { kind: 'page', keysFile: stage.keysFile, count: keys, draw: 'once' },
    polls: false,
    warmUp: { answers: connections },
    until: { answers: keys - 2 * connections },
  });
  stage.ledger.add(inAll.right + inAll.wrong);
}

async function measure(
  stage: Stage,
  pace: Pace,
  target: Target,
  nginxPid: number,
  isOurs: boolean,
): Promise<ThroughNginx> {
  const beforeMs = cpuMsOf(nginxPid);
  const result = await stage.load.run({
    kind: 'closed loop',
    target,
    connections,
    plan: { kind: 'page', keysFile: stage.keysFile, count: pace.keys, draw: 'evenly' },
    polls: false,
    warmUp: { forMs: pace.windowMs / 3 },
    until: { forMs: pace.windowMs },
  });
  const answered = result.inAll.right + result.inAll.wrong;
  if (isOurs) stage.ledger.add(answered);
  return { ...result, nginxMicros: ((cpuMsOf(nginxPid) - beforeMs) * 1_000) / answered };
}

function tableOf(runs: Runs<ThroughNginx>, pace: Pace, counted: string): Table {
  const [asked, cheapest] = [runs.get(reference) ?? [], runs.get(bare) ?? []];
  return {
    title: 'Through nginx',
    columns: ['nginx asks', 'per second', `÷ ${reference}`, 'nginx µs', 'asked server µs', `µs ÷ ${bare}`],
    rows: [...runs].map(([name, results]) => [
      name,
      inWords(results.map(({ perSecond }) => perSecond)),
      inWords(
        results.map(({ perSecond }, round) => perSecond / (asked[round]?.perSecond ?? Number.NaN)),
        2,
      ),
      inWords(
        results.map(({ nginxMicros }) => nginxMicros),
        1,
      ),
      inWords(
        results.map(({ serverMicros }) => serverMicros),
        1,
      ),
      inWords(
        results.map(
          ({ serverMicros }, round) => serverMicros / (cheapest[round]?.serverMicros ?? Number.NaN),
        ),
        2,
      ),
    ]),
    notes: [
      `nginx and the load share one core, what nginx asks has the other. ${connections} connections of clients, ${number(pace.keys)} keys drawn evenly, connections to the asked server kept. ${counted}`,
    ],
  };
}
