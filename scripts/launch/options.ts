import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { projectRoot } from '../services/project-root.ts';

export interface LaunchOptions {
  port: number;
  metricsPort: number;
  workerMetricsPort: number;
  dataDir: string;
  watch: boolean;
}

export const usage = `Starts the broker: Postgres, Redis, the API and the worker. Ctrl-C stops them all.

  scripts/start [options]

  --port <number>          the API (default 9123)
  --metrics-port <number>  Prometheus metrics of the API (default: port + 1) and of the worker (the next one)
  --data-dir <directory>   databases, secrets and logs (default .flowplate/data)
  --watch                  restarts the API and the worker when their files change
  --help

  DATABASE_URL, REDIS_URL  used instead of an embedded Postgres 18 and Redis
  FLOWPLATE_PEPPERS        used instead of the generated <data-dir>/secrets.env
`;

/** Invalid arguments; exit code 2. */
export class UsageError extends Error {}

/** Parsed arguments, or `help`. Paths are relative to the working directory. */
export function readOptions(args: readonly string[]): LaunchOptions | 'help' {
  const values = parse(args);
  if (values.help) return 'help';
  const port = portOf(values.port ?? '9123', '--port');
  const metricsPort = portOf(values['metrics-port'] ?? String(port + 1), '--metrics-port');
  return {
    port,
    metricsPort,
    workerMetricsPort: portOf(String(metricsPort + 1), 'the metrics port of the worker'),
    dataDir: resolve(values['data-dir'] ?? join(projectRoot, '.flowplate', 'data')),
    watch: values.watch ?? false,
  };
}

function parse(args: readonly string[]) {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        port: { type: 'string' },
        'metrics-port': { type: 'string' },
        'data-dir': { type: 'string' },
        watch: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    });
    return values;
  } catch (cause) {
    throw new UsageError((cause as Error).message, { cause });
  }
}

function portOf(text: string, option: string): number {
  const port = Number(text);
  if (/^\d+$/.test(text) && port >= 1 && port <= 65_535) return port;
  throw new UsageError(`${option} must be a number from 1 to 65535, not ${JSON.stringify(text)}.`);
}
