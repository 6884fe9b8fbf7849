import type { Config } from '../config.ts';
import type { Log } from '../log.ts';
import type { Tracing } from './tracing.ts';

export type TracingConfig = Pick<
  Config,
  | 'OTEL_SDK_DISABLED'
  | 'OTEL_TRACES_EXPORTER'
  | 'OTEL_EXPORTER_OTLP_ENDPOINT'
  | 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'
  | 'OTEL_TRACES_SAMPLER'
  | 'OTEL_TRACES_SAMPLER_ARG'
  | 'OTEL_BSP_SCHEDULE_DELAY'
  | 'OTEL_BSP_MAX_QUEUE_SIZE'
  | 'OTEL_BSP_MAX_EXPORT_BATCH_SIZE'
>;

/**
 * Tracing as the `OTEL_*` variables want it; undefined unless they switch it on. OpenTelemetry's
 * packages are loaded only then: they take 30 MB of memory and a quarter of a second.
 */
export async function startTracing(
  config: TracingConfig,
  service: 'api' | 'worker',
  log: Log,
): Promise<Tracing | undefined> {
  if (!isOn(config, log)) return undefined;
  const { openTelemetry } = await import('./open-telemetry.ts');
  log.info('traces are sent over OTLP');
  return openTelemetry(config, service, log);
}

/** As the specification has it: an endpoint alone is enough, unless the exporter says otherwise. */
function isOn(config: TracingConfig, log: Log): boolean {
  if (config.OTEL_SDK_DISABLED?.toLowerCase() === 'true') return false;
  const exporters = config.OTEL_TRACES_EXPORTER?.split(',').map((name) => name.trim());
  if (exporters === undefined) return hasEndpoint(config);
  if (exporters.includes('otlp')) return true;
  if (!exporters.includes('none')) log.warn('no traces: OTEL_TRACES_EXPORTER is neither otlp nor none');
  return false;
}

function hasEndpoint(config: TracingConfig): boolean {
  return (
    config.OTEL_EXPORTER_OTLP_ENDPOINT !== undefined ||
    config.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT !== undefined
  );
}
