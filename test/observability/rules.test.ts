import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { prometheusRules } from '../../scripts/generated/prometheus-rules.ts';
import { alerts } from '../../scripts/observability/alerts.ts';
import { hurried, inProduction } from '../../scripts/observability/timing.ts';
import { findProgram } from '../../scripts/services/debian-programs.ts';
import { projectRoot } from '../../scripts/services/project-root.ts';
import { runCommand } from '../../scripts/services/run-command.ts';
import { atEnd, endAll } from '../support/at-end.ts';
import { alertCases, healthySeries } from './alert-cases.ts';

const deployed = join(projectRoot, 'deploy/observability');
const all = alerts(inProduction);
let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'flowplate-test-'));
  atEnd(() => rm(directory, { recursive: true, force: true }));
});
afterAll(endAll);

async function promtool(...args: string[]) {
  const { path, env } = await findProgram('promtool');
  const result = await runCommand([path, ...args], { cwd: directory, env: { ...process.env, ...env } });
  return { code: result.exitCode, said: result.stdout + result.stderr };
}

test('promtool accepts the rules, those of the tests, and the example of a configuration', async () => {
  await writeFile(join(directory, 'hurried.yml'), prometheusRules(hurried));
  for (const args of [
    ['check', 'rules', '--lint-fatal', join(deployed, 'prometheus-rules.yml')],
    ['check', 'rules', '--lint-fatal', join(directory, 'hurried.yml')],
    ['check', 'config', join(deployed, 'prometheus.yml')],
  ]) {
    const { code, said } = await promtool(...args);
    expect([args.at(-1), code, said]).toEqual([args.at(-1), 0, expect.stringContaining('SUCCESS')]);
  }
});

const severities = new Map(all.map(({ name, severity }) => [name, severity]));

function expected(name: string, labels: Record<string, string>, summary: string) {
  return {
    exp_labels: { severity: severities.get(name) ?? '', ...labels },
    exp_annotations: { summary, runbook: `docs/operations.md#${name.toLowerCase()}` },
  };
}

describe('promtool test rules', () => {
  test('each alert fires in its fault, with what it says, and not a moment too early', async () => {
    expect(Object.keys(alertCases).sort()).toEqual(all.map(({ name }) => name).sort());
    const tests = Object.entries(alertCases).map(
      ([alertname, { series, firesAt, quietAt, labels, summary }]) => ({
        name: alertname,
        interval: '1m',
        input_series: Object.entries(series).map(([name, values]) => ({ series: name, values })),
        alert_rule_test: [
          { alertname, eval_time: quietAt, exp_alerts: [] },
          { alertname, eval_time: firesAt, exp_alerts: [expected(alertname, labels ?? {}, summary)] },
        ],
      }),
    );
    await expectPass(tests);
  });

  test('none fires while all is well', async () => {
    const alert_rule_test = all.flatMap(({ name: alertname }) =>
      ['20m', '2h', '8h'].map((eval_time) => ({ alertname, eval_time, exp_alerts: [] })),
    );
    const input_series = Object.entries(healthySeries).map(([series, values]) => ({ series, values }));
    await expectPass([{ name: 'healthy', interval: '1m', input_series, alert_rule_test }]);
  });

  test('a case that expects too much fails', async () => {
    const alert_rule_test = [
      {
        alertname: 'FlowplateLeaseLost',
        eval_time: '20m',
        exp_alerts: [expected('FlowplateLeaseLost', {}, '')],
      },
    ];
    const input_series = Object.entries(healthySeries).map(([series, values]) => ({ series, values }));
    const { code } = await runTests([{ name: 'wrong', interval: '1m', input_series, alert_rule_test }]);
    expect(code).toBe(1);
  });
});

async function expectPass(tests: object[]): Promise<void> {
  const { code, said } = await runTests(tests);
  expect(said).toContain('SUCCESS');
  expect(code).toBe(0);
}

/** JSON is YAML. */
async function runTests(tests: object[]) {
  await copyFile(join(deployed, 'prometheus-rules.yml'), join(directory, 'rules.yml'));
  const file = join(directory, 'tests.yml');
  const suite = {
    rule_files: ['rules.yml'],
    evaluation_interval: '30s',
    // Else promtool takes them in any order, and an alert may see its level of before.
    group_eval_order: ['flowplate-levels', 'flowplate-alerts'],
    tests,
  };
  await writeFile(file, JSON.stringify(suite));
  return promtool('test', 'rules', file);
}

test('the handbook says of each alert what it means, what users feel, and what to do first', async () => {
  const handbook = await readFile(join(projectRoot, 'docs/operations.md'), 'utf8');
  for (const { name } of all) {
    const [, paragraph = ''] = handbook.split(`\n### ${name}\n`);
    const text = paragraph.split('\n#')[0] ?? '';
    expect(name + text).toMatch(/\*\*Means\*\*[\s\S]+\*\*Users feel\*\*[\s\S]+\*\*Do\*\*/);
    for (const step of ['1.', '2.', '3.']) expect(name + text).toContain(`\n${step} `);
  }
});
