import { randomBytes, randomInt } from 'node:crypto';
import { Agent, request } from 'node:http';
import { newSecret } from '../../src/domain/key-format.ts';
import { chanceOf, rankTest } from '../report/rank-test.ts';
import { number, spreadOf } from '../report/statistics.ts';
import type { Scenario } from './scenario.ts';

const keysPath = '/v1/flowplate/api-keys';
const calls = 10_000;
const warmUpCalls = 500;
/** The sample that the others are held against. */
const reference = 'an unknown key';

/**
 * Whether time tells a canary key from an unknown one. Calls of each kind one after the other, in
 * random order on one connection. The known key shows that the test would see a difference.
 */
export const canaryTiming: Scenario = {
  name: 'canary-timing',
  about: '10,000 interleaved verifications of a canary key, unknown keys and a known key',
  async run(stage) {
    await stage.seedKeys(20_000, 'canary');
    await stage.sql.query('VACUUM ANALYZE api_keys');
    const { port } = await stage.startApi('api');
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const call = (path: string, body: object) => post(agent, port, path, stage.masterKey, body);
    const owner = { organization_id: 'org_1', environment: 'prod' };
    const bait = await call(keysPath, { ...owner, user_id: 'canary', canary: true });
    const known = await call(keysPath, { ...owner, user_id: 'known' });
    const made = () => newSecret('user', 'prod', randomBytes);
    const [unknown, other] = [made(), made()];
    const kinds: Record<string, () => string> = {
      [reference]: () => unknown,
      'the canary key': () => bait.key,
      'another unknown key': () => other,
      'a known key': () => known.key,
    };
    const names = Object.keys(kinds);
    const samples = new Map<string, number[]>(names.map((name) => [name, []]));
    for (let index = -warmUpCalls; index < calls; index++) {
      const name = names[randomInt(names.length)] ?? reference;
      const key = kinds[name]?.() ?? unknown;
      const startMs = performance.now();
      const { code } = await call(`${keysPath}/verify`, { key });
      const tookMs = performance.now() - startMs;
      const wanted = name === 'a known key' ? 'VALID' : 'NOT_FOUND';
      if (code !== wanted) throw new Error(`${name} was answered ${code}`);
      if (index >= 0) samples.get(name)?.push(tookMs);
    }
    agent.destroy();
    const against = samples.get(reference) ?? [];
    return [
      {
        title: 'Whether time tells a canary key from an unknown one',
        columns: ['', 'calls', 'median ms', `z against ${reference}`, 'chance'],
        rows: [...samples].map(([name, took]) => {
          const z = rankTest(took, against);
          return [
            name,
            number(took.length),
            number(spreadOf(took).median, 3),
            name === reference ? '–' : number(z, 2),
            name === reference ? '–' : number(chanceOf(z), 3),
          ];
        }),
        notes: [
          'One connection, one call after the other, in random order. Mann-Whitney: |z| below 1.96 is no difference at 5 %. A chance is that of a difference as large between two samples of one kind.',
        ],
      },
    ];
  },
};

type Answered = { key: string; code: string };

function post(agent: Agent, port: number, path: string, masterKey: string, body: object): Promise<Answered> {
  const { promise, resolve, reject } = Promise.withResolvers<Answered>();
  const headers = { 'content-type': 'application/json', 'x-flowplate-master-key': masterKey };
  const sent = request({ agent, host: '127.0.0.1', port, path, method: 'POST', headers }, (res) => {
    const chunks: Buffer[] = [];
    res.on('data', (chunk: Buffer) => void chunks.push(chunk));
    res.on('end', () => resolve(JSON.parse(Buffer.concat(chunks).toString()) as Answered));
  });
  sent.on('error', reject);
  sent.end(JSON.stringify(body));
  return promise;
}
