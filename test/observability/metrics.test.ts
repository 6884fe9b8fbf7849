import { spawn } from 'node:child_process';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { findProgram } from '../../scripts/services/debian-programs.ts';
import { catalogue, describe, type MetricName } from '../../src/metrics/catalogue.ts';
import { endAll } from '../support/at-end.ts';
import { eventually } from '../support/eventually.ts';
import { keyCalls } from '../support/key-calls.ts';
import { quietPort } from '../support/quiet-port.ts';
import { type WatchedDeployment, watchedDeployment } from './watched-deployment.ts';

let watched: WatchedDeployment;
let texts: Record<'api' | 'worker', string>;

beforeAll(async () => {
  watched = await watchedDeployment();
  const { call } = watched.api;
  const keys = keyCalls(call);
  const { key, keyId } = await keys.mint();
  await keys.codeOf(key);
  await call('GET /v1/flowplate/authz', { as: null });
  await call(`DELETE /v1/flowplate/api-keys/${keyId}`);
  await keys.codeOf(key);
  await eventually(
    15_000,
    () => watched.readMetrics('worker'),
    (text) => text.includes('flowplate_keys{') && text.includes('flowplate_audit_stream_events_behind{'),
  );
  texts = { api: await watched.readMetrics('api'), worker: await watched.readMetrics('worker') };
});
afterAll(endAll);

const names = Object.keys(catalogue) as MetricName[];

test('each process exposes the metrics of the catalogue that are its own, and no others of ours', () => {
  for (const process of ['api', 'worker'] as const) {
    const exposed = [...texts[process].matchAll(/^# TYPE (flowplate_\S+) (\S+)$/gm)];
    const wanted = names.filter((name) => describe(name).of.includes(process));
    expect(exposed.map(([, name, type]) => `${name} ${type}`).sort()).toEqual(
      wanted.map((name) => `${name} ${describe(name).type}`).sort(),
    );
  }
});

test('each metric of ours has a sample, with the labels of the catalogue', () => {
  for (const name of names) {
    for (const process of describe(name).of) {
      const sample = new RegExp(`^${name}(?:_count)?(?:\\{(.*)\\})? \\S+$`, 'm').exec(texts[process]);
      expect(sample, `${name} of the ${process}`).not.toBeNull();
      const labels = [...(sample?.[1] ?? '').matchAll(/(\w+)="/g)].map(([, label]) => label);
      expect([name, labels.sort()]).toEqual([name, [...describe(name).labels].sort()]);
    }
  }
});

test('several processes behind one port are added up, and a lease that one of them lost shows', async () => {
  const port = await quietPort();
  await watched.deployment.startApi({ env: { API_PROCESSES: '2', METRICS_PORT: String(port) } });
  const read = async () => (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  const text = await eventually(
    20_000,
    read,
    (all) =>
      all.includes('flowplate_postgres_connections_max{pool="verify"} 16') &&
      all.includes('\nflowplate_lease_held 1\n'),
  );
  const exposed = new Set([...text.matchAll(/^# TYPE (flowplate_\S+) /gm)].map(([, name]) => name));
  expect(names.filter((name) => describe(name).of.includes('api') && !exposed.has(name))).toEqual([]);
  expect(text).toMatch(/^flowplate_lease_held 1$/m);
  expect(text).toMatch(/^flowplate_build_info\{.*\} 1$/m);
});

test('no label is one that Prometheus sets itself', () => {
  const own = ['job', 'instance', 'le', 'quantile'];
  expect(names.filter((name) => describe(name).labels.some((label) => own.includes(label)))).toEqual([]);
});

test('no label is an id', () => {
  const labels = Object.values(texts).flatMap((text) => [...text.matchAll(/\w+="([^"]*)"/g)]);
  const ids = labels.filter(([, value]) => /^(flk|flm|ak|usr|puser|org|env|role|evt|req)_/.test(value ?? ''));
  expect(ids.map(([text]) => text)).toEqual([]);
  expect(labels.length).toBeGreaterThan(100);
});

test('promtool finds nothing wrong with the metrics of either process', async () => {
  const promtool = await findProgram('promtool');
  for (const process of ['api', 'worker'] as const) {
    const { code, said } = await run(promtool, ['check', 'metrics'], texts[process]);
    expect([process, code, said]).toEqual([process, 0, '']);
  }
});

function run(
  { path, env }: { path: string; env: Record<string, string> },
  args: string[],
  input: string,
): Promise<{ code: number | null; said: string }> {
  const child = spawn(path, args, { env: { ...process.env, ...env }, stdio: 'pipe' });
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text) => (said += text));
  child.stdin.end(input);
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, said })));
}
