import { createHash, randomUUID } from 'node:crypto';
import { sendLines } from '../load/send-lines.ts';
import { number, spreadOf } from '../report/statistics.ts';
import { organizationsCount } from '../stage/seed-keys.ts';
import { type Arm, interleave } from './interleave.ts';
import type { Scenario } from './scenario.ts';

/** Keys of one measurement. */
const keysEach = 10_000;

export const importKeys: Scenario = {
  name: 'import',
  about: 'importing keys of another product by their SHA-256',
  async run(stage, pace) {
    await stage.seedKeys(20_000, 'import');
    await stage.sql.query('VACUUM ANALYZE');
    const api = await stage.startApi('api', { FOREIGN_KEY_PATTERNS: 'acme_:base62:32' });
    const to = { port: api.port, masterKey: stage.masterKey };
    const arm = (name: string, requests: number, query = ''): Arm<number> => ({
      name,
      measure: async () => {
        const bodies = Array.from({ length: requests }, () => linesOf(keysEach / requests));
        const startedMs = performance.now();
        const texts = await Promise.all(
          bodies.map((body) => sendLines({ ...to, path: `/v1/flowplate/api-keys/import${query}`, body })),
        );
        const seconds = (performance.now() - startedMs) / 1_000;
        const done = texts.join('').match(/"status":"(imported|importable)"/g)?.length ?? 0;
        if (done !== keysEach) {
          const [refused] = texts.join('').match(/.*"success":false.*/) ?? [];
          throw new Error(`${done} of ${keysEach} keys: ${refused}`);
        }
        return keysEach / seconds;
      },
    });
    const runs = await interleave<number>(
      stage.otherWork,
      [
        arm('one request of 10,000 lines', 1),
        arm('four requests of 2,500 lines', 4),
        arm('a dry run of 10,000 lines', 1, '?dry_run=true'),
      ],
      pace.rounds,
    );
    const rows = [...runs].map(([name, seen]) => {
      const { median, min, max } = spreadOf(seen);
      return [name, number(median), `${number(min)}–${number(max)}`];
    });
    const notes = [`${number(keysEach)} keys of new users in existing organizations, ${pace.rounds} rounds.`];
    return [{ title: 'Import', columns: ['sent as', 'rows/s', 'from–to'], rows, notes }];
  },
};

function linesOf(count: number): string {
  const label = randomUUID();
  return Array.from({ length: count }, (_, index) => {
    const hash = createHash('sha256').update(`acme_${label}${index}`).digest('hex');
    const owner = { user_id: `${label}-${index}`, organization_id: `org_${index % organizationsCount}` };
    return `${JSON.stringify({ ...owner, algorithm: 'sha256', hash })}\n`;
  }).join('');
}
