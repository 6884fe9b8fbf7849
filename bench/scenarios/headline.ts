import type { LoadResult } from '../load/jobs.ts';
import { inWords, number } from '../report/statistics.ts';
import type { Table } from '../report/table.ts';
import { fillRedis } from '../stage/fill-redis.ts';
import type { Stage } from '../stage/stage.ts';
import { gatewayArms, nameOf, type RevokeWithGateways, roomForGateways } from './gateways.ts';
import { type Arm, interleave, type Runs } from './interleave.ts';
import { askEvenly, askOnce } from './key-load.ts';
import { nginxArms, type ThroughNginx, throughNginx } from './nginx.ts';
import { connections, type Pace, type Scenario } from './scenario.ts';

/** Enough rounds for a ratio, and short ones: all of it takes five minutes. */
const short = { rounds: 10, windowMs: 300, keys: 20_000, revokes: 40 } as const;
const gatewayCounts = [0, 100] as const;

export const headline: Scenario = {
  name: 'headline',
  about: 'the table of the README, in five minutes',
  async run(stage, given) {
    const pace = { ...given, ...short };
    await stage.seedKeys(pace.keys, 'headline');
    await stage.startWorker();
    await fillRedis(stage.sql, stage.redisUrl, stage.keyring);
    const doors = await interleave(stage.otherWork, await doorArms(stage, pace), pace.rounds);
    const ways = await nginxArms(stage, pace);
    const shown: readonly string[] = Object.values(throughNginx);
    const nginx = await interleave(
      stage.otherWork,
      ways.filter(({ name }) => shown.includes(name)),
      pace.rounds,
    );
    const counted = await stage.ledger.requireCounted();
    const api = await stage.startApi('api-of-gateways', roomForGateways, 'any');
    const arms = gatewayArms(api, stage, pace, gatewayCounts);
    const revokes = await interleave(stage.otherWork, arms, pace.rounds);
    return [tableOf({ doors, nginx, revokes }, pace, counted)];
  },
};

/** Arms of the API, and of the bare server that answers the same requests. */
const doors = {
  get: 'forward auth',
  bareGet: 'forward auth, bare',
  nginxGet: 'forward auth, as nginx asks',
  bareNginxGet: 'forward auth, as nginx asks, bare',
  post: 'JSON verify',
  barePost: 'JSON verify, bare',
} as const;

async function doorArms(stage: Stage, pace: Pace): Promise<Arm[]> {
  const [bareGet, barePost, api] = [
    await stage.startPeer('empty-node-http'),
    await stage.startPeer('node-http'),
    await stage.startApi('api'),
  ];
  await askOnce(api, stage, pace, { door: 'authorize' });
  const polls = true;
  const sender = 'nginx';
  return [
    {
      name: doors.bareGet,
      measure: () => askEvenly(bareGet, stage, pace, { door: 'authorize, bare', polls }),
    },
    { name: doors.get, measure: () => askEvenly(api, stage, pace, { door: 'authorize', polls }) },
    {
      name: doors.bareNginxGet,
      measure: () => askEvenly(bareGet, stage, pace, { door: 'authorize, bare', sender, polls }),
    },
    {
      name: doors.nginxGet,
      measure: () => askEvenly(api, stage, pace, { door: 'authorize', sender, polls }),
    },
    { name: doors.barePost, measure: () => askEvenly(barePost, stage, pace, { polls }) },
    { name: doors.post, measure: () => askEvenly(api, stage, pace, { polls }) },
  ];
}

type Measured = { doors: Runs; nginx: Runs<ThroughNginx>; revokes: Runs<RevokeWithGateways> };

function tableOf({ doors: asked, nginx, revokes }: Measured, pace: Pace, counted: string): Table {
  return {
    title: 'Headline',
    columns: ['', 'figure', 'beside'],
    rows: [
      doorRow(asked, doors.get, doors.bareGet, 'bare `node:http`'),
      doorRow(asked, doors.nginxGet, doors.bareNginxGet, 'bare `node:http`'),
      doorRow(asked, doors.post, doors.barePost, 'a bare POST that parses its body'),
      doorRow(nginx, throughNginx.localVerifier, throughNginx.alone, 'nginx that asks nobody'),
      ...gatewayCounts.map((count) => revokeRow(revokes, count)),
    ],
    notes: [
      `One process on one core, ${connections} connections, ${number(pace.keys)} keys drawn evenly, ${pace.rounds} rounds. Ratios are of requests per second, and of processor time, within a round. Revokes answered "complete". ${counted}`,
    ],
  };
}

function doorRow(runs: Runs, name: string, bareName: string, bareIs: string): string[] {
  const [ours, bare] = [runs.get(name) ?? [], runs.get(bareName) ?? []];
  const ratio = (pick: (ours: LoadResult, bare: LoadResult) => number) =>
    inWords(
      ours.map((result, round) => pick(result, bare[round] as LoadResult)),
      2,
    );
  const perSecond = inWords(ours.map((result) => result.perSecond));
  const byTime = ratio((one, other) => other.serverMicros / one.serverMicros);
  const isThroughNginx = bareName === throughNginx.alone;
  return [
    isThroughNginx ? `nginx with ${name}` : name,
    `${perSecond} a second`,
    `${ratio((one, other) => one.perSecond / other.perSecond)} of ${bareIs}${isThroughNginx ? '' : `; by processor time ${byTime}`}`,
  ];
}

function revokeRow(runs: Runs<RevokeWithGateways>, count: number): string[] {
  const [ours, none] = [runs.get(nameOf(count)) ?? [], runs.get(nameOf(0)) ?? []];
  const p50 = inWords(
    ours.map(({ p50Ms }) => p50Ms),
    1,
  );
  const ratio = inWords(
    ours.map(({ p50Ms }, round) => p50Ms / (none[round]?.p50Ms ?? Number.NaN)),
    1,
  );
  return [
    `revoke, ${nameOf(count)} to wait for`,
    `p50 ${p50} ms`,
    count === 0 ? '' : `${ratio} times one with none`,
  ];
}
