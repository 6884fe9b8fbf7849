import { number } from '../report/statistics.ts';
import type { Table } from '../report/table.ts';
import { throughputTable } from '../report/throughput-table.ts';
import { fillRedis } from '../stage/fill-redis.ts';
import { loadCore } from '../stage/pin.ts';
import type { Stage } from '../stage/stage.ts';
import { interleave } from './interleave.ts';
import { askEvenly, askOnce } from './key-load.ts';
import { connections, type Pace, type Scenario } from './scenario.ts';

const reference = 'traces off';

const titles = {
  verify: 'Verify with traces (POST /v1/flowplate/api-keys/verify)',
  authorize: 'Forward auth with traces (GET /v1/flowplate/authz)',
} as const;

export const traces: Scenario = {
  name: 'traces',
  about: 'verify and forward auth from memory without traces, with one request in 100 traced, and with all',
  async run(stage, pace) {
    await stage.seedKeys(pace.keys, 'traces');
    await stage.startWorker();
    const receiver = await stage.startPeer('empty-node-http', {}, 'receiver', loadCore);
    const endpoint = `http://127.0.0.1:${receiver.port}`;
    const servers = [
      { name: reference, api: await stage.startApi('api-off') },
      { name: 'one in 100', api: await stage.startApi('api-few', tracing(endpoint, '0.01')) },
      { name: 'all', api: await stage.startApi('api-all', tracing(endpoint, '1')) },
    ];
    await fillRedis(stage.sql, stage.redisUrl, stage.keyring);
    for (const { api } of servers) await askOnce(api, stage, pace);
    const tables: Table[] = [];
    for (const door of ['verify', 'authorize'] as const) {
      tables.push(await measure(stage, pace, servers, door));
    }
    return tables;
  },
};

type Servers = readonly { name: string; api: Awaited<ReturnType<Stage['startApi']>> }[];

async function measure(
  stage: Stage,
  pace: Pace,
  servers: Servers,
  door: keyof typeof titles,
): Promise<Table> {
  const arms = servers.map(({ name, api }) => ({
    name,
    measure: () => askEvenly(api, stage, pace, { door, polls: true }),
  }));
  const runs = await interleave(stage.otherWork, arms, pace.rounds);
  const notes = [
    `One process each, ${connections} keep-alive connections, ${number(pace.keys)} keys drawn evenly, ${pace.rounds} rounds of ${pace.windowMs / 1_000} s. Callers do not trace. The receiver shares the core of the load; spans that it cannot take in time are dropped. ${await stage.ledger.requireCounted()}`,
  ];
  return throughputTable({ title: titles[door], runs, reference, notes });
}

function tracing(endpoint: string, ratio: string): Record<string, string> {
  return {
    OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
    OTEL_TRACES_SAMPLER: 'parentbased_traceidratio',
    OTEL_TRACES_SAMPLER_ARG: ratio,
  };
}
