import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import {
  defaultResource,
  detectResources,
  type Resource,
  resourceAttributesEnvDetector,
  resourceFromAttributes,
  serviceInstanceIdDetector,
  serviceNameEnvDetector,
} from '@opentelemetry/resources';
import { BatchSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { ATTR_SERVICE_NAME } from '@opentelemetry/semantic-conventions';
import { inTime } from '../concurrency/deadline.ts';
import type { Log } from '../log.ts';
import { chosenSampler } from './sampler.ts';
import { Spans } from './spans.ts';
import type { TracingConfig } from './start-tracing.ts';
import { TellingExporter } from './telling-exporter.ts';
import type { Tracing } from './tracing.ts';

/** A receiver that hangs must not use up the time that a process has to end. */
const stopMsMax = 2_000;

/**
 * OpenTelemetry's SDK with nothing global and no automatic instrumentation. The exporter reads the
 * remaining `OTEL_EXPORTER_OTLP_*` variables (headers, certificates, compression, time-out) itself.
 * Spans wait in a queue of fixed size, and are dropped beyond it: no request waits for a receiver.
 */
export function openTelemetry(config: TracingConfig, service: string, log: Log): Tracing {
  const provider = new TracerProvider({
    resource: resourceOf(service),
    sampler: chosenSampler(config, log),
    spanProcessors: [
      new BatchSpanProcessor({
        exporter: new TellingExporter(new OTLPTraceExporter(), log),
        scheduledDelayMillis: config.OTEL_BSP_SCHEDULE_DELAY,
        maxQueueSize: config.OTEL_BSP_MAX_QUEUE_SIZE,
        maxExportBatchSize: config.OTEL_BSP_MAX_EXPORT_BATCH_SIZE,
      }),
    ],
  });
  const contexts = new AsyncLocalStorageContextManager().enable();
  return new Spans(provider.getTracer('flowplate-keys'), contexts, async () => {
    const tooLong = () => new Error(`not sent within ${stopMsMax} ms`);
    await inTime(provider.shutdown(), stopMsMax, tooLong).catch((error: unknown) =>
      log.warn({ err: error }, 'the last traces may be lost'),
    );
  });
}

/** The service attributes of the environment come last: they win. */
function resourceOf(service: string): Resource {
  const detectors = [serviceInstanceIdDetector, resourceAttributesEnvDetector, serviceNameEnvDetector];
  return defaultResource()
    .merge(resourceFromAttributes({ [ATTR_SERVICE_NAME]: `flowplate-${service}` }))
    .merge(detectResources({ detectors }));
}
