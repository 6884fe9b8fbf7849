import { bearer, callersAtOnce, callMany, quantile } from '../load/timed-calls.ts';
import { number } from '../report/statistics.ts';
import { newOperator } from '../stage/operator-keys.ts';
import { seedAuditEvents } from '../stage/seed-audit-events.ts';
import type { Scenario } from './scenario.ts';

const callsPerRound = 40;

const day = (ago: number) => new Date(Date.now() - ago * 86_400_000).toISOString();

/**
 * Each filter with common, rare and absent values. Every pair of different filters is measured too.
 */
const filters: readonly [string, string, () => string][] = [
  ['type', 'mints', () => 'event_type=key.minted'],
  ['type', 'revocations', () => 'event_type=key.revoked'],
  ['type', 'impersonations', () => 'event_type=platform.impersonated'],
  ['type', 'none', () => 'event_type=api_user.created'],
  ['actor', 'half of all', () => 'actor=flm_main'],
  ['actor', 'one tenant only', () => 'actor=flm_zero'],
  ['actor', 'only long ago', () => 'actor=flm_ended'],
  ['actor', 'ten events', () => 'actor=flm_rare'],
  ['actor', 'none', () => 'actor=flm_none'],
  ['actor', 'nobody', () => 'actor=puser_none'],
  ['organization', 'a fifth', () => 'organization_id=org_0'],
  ['organization', 'one in 120', () => 'organization_id=org_7'],
  ['organization', 'none', () => 'organization_id=org_none'],
  ['result', 'refused', () => 'result=refused'],
  ['result', 'success', () => 'result=success'],
  ['target', 'none', () => 'target_id=flk_0000000000000000000000'],
  ['time', 'a day long ago', () => `from=${day(300)}&to=${day(299)}`],
  ['time', 'since long ago', () => `from=${day(300)}`],
  ['time', 'until long ago', () => `to=${day(300)}`],
];

export const auditLists: Scenario = {
  name: 'audit-lists',
  about: 'the audit log among very many events, by every filter and every pair of filters',
  async run(stage, pace) {
    await seedAuditEvents(stage.sql, pace.manyKeys);
    const secret = await newOperator(stage);
    const api = await stage.startApi('api');
    const measure = async (label: string, query: () => string, calls: number) => {
      const url = () => `http://127.0.0.1:${api.port}/api/v1/platform/audit?${query()}`;
      // Postgres fixes the plan of a prepared statement at its sixth run.
      await callMany(url, bearer(secret), 8 * callersAtOnce);
      const took = await callMany(url, bearer(secret), calls);
      return { label, p50: quantile(took, 0.5), p99: quantile(took, 0.99) };
    };
    const alone = [await measure('everything', () => '', pace.rounds * callsPerRound)];
    for (const [kind, label, query] of filters) {
      alone.push(await measure(`${kind}: ${label}`, query, pace.rounds * callsPerRound));
    }
    const pairs = [];
    for (const [index, [kind, label, query]] of filters.entries()) {
      for (const [otherKind, otherLabel, otherQuery] of filters.slice(index + 1)) {
        if (kind === otherKind) continue;
        const both = () => `${query()}&${otherQuery()}`;
        pairs.push(await measure(`${kind}: ${label} + ${otherKind}: ${otherLabel}`, both, callsPerRound));
      }
    }
    const slowest = pairs.sort((left, right) => right.p50 - left.p50).slice(0, 10);
    const columns = ['asked', 'p50 ms', 'p99 ms'];
    const toRow = ({ label, p50, p99 }: (typeof alone)[number]) => [label, p50.toFixed(1), p99.toFixed(1)];
    const notes = [
      `${number(pace.manyKeys)} events of a year; pages of 50; ${callersAtOnce} callers at once, through HTTP and verification of the caller's key.`,
    ];
    return [
      { title: 'The audit log by one filter', columns, rows: alone.map(toRow), notes },
      {
        title: `The ten slowest of ${pairs.length} pairs of filters`,
        columns,
        rows: slowest.map(toRow),
        notes: [],
      },
    ];
  },
};
