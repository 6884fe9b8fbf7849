import type { Config } from '../config.ts';
import { redactForeignKeys } from '../domain/redact.ts';
import type { Log } from '../log.ts';
import type { ApiMetrics } from '../metrics/api-metrics.ts';
import type { ProcessMetrics } from '../metrics/process-metrics.ts';
import { Closing } from '../process/closing.ts';
import { RareWarnings } from '../rare-warnings.ts';
import type { Tracing } from '../tracing/tracing.ts';
import { FailedCommands } from './redis-connections.ts';

/** Counts a fault of a dependency, and logs it when it is not the same as a moment ago. */
type OnFault = (dependency: string) => (error: unknown) => void;

/** The parts that every wiring of one process shares. */
export type ProcessParts<Metrics extends ProcessMetrics = ApiMetrics> = {
  config: Config;
  log: Log;
  metrics: Metrics;
  /** Closes what was opened, last first. */
  closing: Closing;
  fault: OnFault;
  /** For what others can bring about again and again. */
  warnings: RareWarnings;
  failedCommands: FailedCommands;
  tracing: Tracing | undefined;
};

export function processParts<Metrics extends ProcessMetrics>(
  config: Config,
  log: Log,
  metrics: Metrics,
  tracing: Tracing | undefined,
): ProcessParts<Metrics> {
  redactForeignKeys(config.FOREIGN_KEY_PATTERNS);
  const closing = new Closing((what, error) => log.error({ err: error, what }, 'close failed'));
  const warnings = new RareWarnings(log);
  const failedCommands = new FailedCommands(metrics, warnings);
  const fault = (dependency: string) => (error: unknown) => {
    metrics.dependencyFaults.inc({ dependency });
    warnings.warn(`${dependency} ${String(error)}`, { err: error, dependency }, 'dependency fault');
  };
  // First in and so last out: what ends before it is traced too.
  if (tracing !== undefined) closing.add('traces', () => tracing.stop());
  return { config, log, metrics, closing, fault, warnings, failedCommands, tracing };
}
