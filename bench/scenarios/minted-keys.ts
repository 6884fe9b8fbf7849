import { bearer, callersAtOnce, callMany, quantile } from '../load/timed-calls.ts';
import { number } from '../report/statistics.ts';
import { newOperator } from '../stage/operator-keys.ts';
import { seedManyKeys } from '../stage/seed-many-keys.ts';
import type { Scenario } from './scenario.ts';

const callsPerRound = 100;

export const mintedKeys: Scenario = {
  name: 'minted-keys',
  about: 'the tree of what a master key has minted, and its keys, among very many',
  async run(stage, pace) {
    const { rows: found } = await stage.sql.query<{ id: string }>('SELECT id FROM master_keys LIMIT 1');
    const minter = found[0]?.id ?? '';
    await seedManyKeys(stage.sql, pace.manyKeys, minter);
    const credential = bearer(await newOperator(stage));
    const api = await stage.startApi('api');
    const platform = `http://127.0.0.1:${api.port}/api/v1/platform`;
    const asked = [
      ['master key: its counts', `master-keys/${minter}`],
      ['tree: its organizations', `master-keys/${minter}/organizations`],
      ['keys it minted', `hidden-keys?minted_by=${minter}`],
      ['keys it minted for an organization', `hidden-keys?minted_by=${minter}&organization_id=org_7`],
      ['keys of another minter (none)', 'hidden-keys?minted_by=flm_0000000000000000000000'],
    ] as const;
    const rows: string[][] = [];
    for (const [label, path] of asked) {
      const url = () => `${platform}/${path}`;
      await callMany(url, credential, callersAtOnce);
      const calls = await callMany(url, credential, pace.rounds * callsPerRound);
      rows.push([label, ...[0.5, 0.99].map((part) => quantile(calls, part).toFixed(1))]);
    }
    const notes = [
      `${number(pace.manyKeys)} keys of one master key in 100 organizations, their differences not folded yet; ${callersAtOnce} callers at once, ${number(pace.rounds * callsPerRound)} calls each row, pages of 50.`,
    ];
    return [{ title: 'What a master key has minted', columns: ['asked', 'p50 ms', 'p99 ms'], rows, notes }];
  },
};
