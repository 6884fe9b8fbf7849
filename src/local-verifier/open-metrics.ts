import { collectDefaultMetrics, Registry } from 'prom-client';
import { dropMisnamed } from '../metrics/families.ts';
import { metricsServer } from '../metrics/metrics-server.ts';
import { drain, listen } from '../process/serve-http.ts';
import { registerMetrics } from '../sdk/register-metrics.ts';
import type { FlowplateVerifier } from '../sdk/verifier.ts';
import type { AnswerMeter } from './answer-meter.ts';
import { registerAnswers } from './register-answers.ts';

/** Serves the metrics of the process, of its verifier and of its answers. */
export async function openMetrics(
  { verifier, meter }: { verifier: Pick<FlowplateVerifier, 'metrics'>; meter: AnswerMeter },
  { host, port }: { host: string; port: number },
): Promise<{ port: number; drain(): Promise<void> }> {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  dropMisnamed(registry);
  registerMetrics(verifier, registry);
  registerAnswers(meter, registry);
  const server = metricsServer(() => registry.metrics());
  return { port: await listen(server, port, host), drain: () => drain(server) };
}
