import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { prometheusRules } from '../../scripts/generated/prometheus-rules.ts';
import { hurried } from '../../scripts/observability/timing.ts';
import { becomesReady } from '../../scripts/services/becomes-ready.ts';
import { findProgram } from '../../scripts/services/debian-programs.ts';
import { dieWithParent } from '../../scripts/services/die-with-parent.ts';
import { projectRoot } from '../../scripts/services/project-root.ts';
import { startServerProcess } from '../../scripts/services/server-process.ts';
import { atEnd } from '../support/at-end.ts';
import { quietPort } from '../support/quiet-port.ts';

export type Sample = { metric: Record<string, string>; value: [number, string] };
export type FiringAlert = { labels: Record<string, string>; state: 'pending' | 'firing' };

export type Prometheus = {
  query(expr: string): Promise<Sample[]>;
  /** Names of the alerts that fire. */
  firing(): Promise<string[]>;
};

const startsMs = 20_000;

/**
 * Debian's Prometheus with our example of a configuration, each second, and with our rules in a
 * hurry. Ends with the test file.
 */
export async function startPrometheus(targets: { api: number[]; worker: number }): Promise<Prometheus> {
  const program = await findProgram('prometheus');
  const directory = await mkdtemp(join(tmpdir(), 'flowplate-test-'));
  atEnd(() => rm(directory, { recursive: true, force: true }));
  await writeFile(join(directory, 'prometheus.yml'), await configuration(targets));
  await writeFile(join(directory, 'prometheus-rules.yml'), prometheusRules(hurried));
  const address = `127.0.0.1:${await quietPort()}`;
  const logFile = join(directory, 'prometheus.log');
  const server = await startServerProcess({
    command: [
      ...(await dieWithParent('TERM')),
      program.path,
      `--config.file=${join(directory, 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(directory, 'data')}`,
      `--web.listen-address=${address}`,
    ],
    env: { PATH: process.env.PATH, ...program.env },
    cwd: directory,
    logFile,
  });
  atEnd(() => server.stop('SIGTERM', 5_000));
  const isReady = () =>
    fetch(`http://${address}/-/ready`).then(
      (answer) => answer.ok,
      () => false,
    );
  if (!(await becomesReady(server, performance.now() + startsMs, isReady))) {
    throw new Error(`Prometheus did not start: ${await readFile(logFile, 'utf8')}`);
  }
  const ask = async (path: string) => {
    const answer = await fetch(`http://${address}/api/v1/${path}`);
    const body = (await answer.json()) as { status: string; data: unknown };
    if (body.status !== 'success') throw new Error(`${path}: ${JSON.stringify(body)}`);
    return body.data;
  };
  return {
    query: async (expr) =>
      ((await ask(`query?query=${encodeURIComponent(expr)}`)) as { result: Sample[] }).result,
    firing: async () => {
      const { alerts } = (await ask('alerts')) as { alerts: FiringAlert[] };
      const names = alerts
        .filter(({ state }) => state === 'firing')
        .map(({ labels }) => labels.alertname ?? '');
      return [...new Set(names)].sort();
    },
  };
}

/** The example with other addresses and every interval a second. */
async function configuration(targets: { api: number[]; worker: number }): Promise<string> {
  const example = await readFile(join(projectRoot, 'deploy/observability/prometheus.yml'), 'utf8');
  const list = (ports: number[]) => JSON.stringify(ports.map((port) => `127.0.0.1:${port}`));
  const edits: [RegExp, string][] = [
    [/\["flowplate-1.*\]/, list(targets.api)],
    [/\["flowplate-worker.*\]/, list([targets.worker])],
    [/: 1[05]s/g, ': 1s'],
  ];
  return edits.reduce((text, [from, to]) => {
    if (text.search(from) === -1) throw new Error(`${from} is not in the example`);
    return text.replace(from, to);
  }, example);
}
