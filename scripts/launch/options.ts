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

/** Invalid arguments; exit code 2. */
export class UsageError extends Error {}

/** Parsed arguments. Paths are relative to the working directory. */
export function readOptions(args: readonly string[]): LaunchOptions {
  const values = parse(args);
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
