import { Gauge } from 'prom-client';
import { inTime } from '../concurrency/deadline.ts';
import { readTogether } from '../concurrency/read-together.ts';
import type { StreamBehind } from '../stores/postgres/audit/streams.ts';
import type { KeyCount, UnsealedEvents, VerifierStates } from '../stores/postgres/figures.ts';
import type { FillProgress } from '../stores/postgres/user-keys/minted-by-fill.ts';
import type { WebhookStates } from '../stores/postgres/webhooks/figures.ts';
import { catalogue } from './catalogue.ts';
import { countBy, histogram } from './counters.ts';
import { readMetric } from './families.ts';
import { processMetrics } from './process-metrics.ts';

/** Metrics of a worker. */
export type WorkerMetrics = ReturnType<typeof workerMetrics>;

/** Gauges of the whole deployment, which a worker reads from the stores. */
export type DeploymentFigures = {
  countFlushes(): Promise<number>;
  countFlushesAside(): Promise<number>;
  listVerifierStates(): Promise<VerifierStates[]>;
  readUnsealed(): Promise<UnsealedEvents>;
  readFillProgress(): Promise<FillProgress>;
  readStreamsBehind(): Promise<StreamBehind[]>;
  readWebhookStates(): Promise<WebhookStates>;
  /** As of the last count, since counting takes a while. Undefined before the first. */
  keys(): KeyCounts | undefined;
};

export type KeyCounts = { countedAtMs: number; counts: readonly KeyCount[] };

const attemptOutcomes = ['delivered', 'failed', 'dead'] as const;
const delayBuckets = [0.5, 1, 2, 3, 4, 5, 7.5, 10, 30, 60, 300, 3_600];
const jobBuckets = [0.01, 0.05, 0.1, 0.5, 1, 5, 30];

/** A scrape waits 10 s in all; a store that is away must not cost it the other metrics. */
const readMsMax = 1_000;

export function workerMetrics(jobs: readonly string[]) {
  const parts = processMetrics();
  const { registry } = parts;
  const seconds = histogram(registry, 'flowplate_job_seconds', jobBuckets);
  const countAttempt = countBy(registry, 'flowplate_webhook_attempts_total', 'outcome', attemptOutcomes);
  const delays = histogram(registry, 'flowplate_webhook_delay_seconds', delayBuckets);
  const metric = 'flowplate_job_last_success_timestamp_seconds';
  const lastSuccess = new Gauge({
    name: metric,
    help: catalogue[metric].help,
    labelNames: ['name'],
    registers: [registry],
  });
  for (const job of jobs) {
    for (const outcome of ['done', 'failed']) seconds.zero({ name: job, outcome });
    lastSuccess.setToCurrentTime({ name: job });
  }
  return {
    ...parts,
    /** Returns what is to be called with the outcome. */
    startJob: (job: string) => {
      const stop = seconds.startTimer({ name: job });
      return (outcome: 'done' | 'failed') => {
        stop({ outcome });
        if (outcome === 'done') lastSuccess.setToCurrentTime({ name: job });
      };
    },
    countWebhookAttempt: (outcome: (typeof attemptOutcomes)[number], delayMs: number | undefined) => {
      countAttempt(outcome);
      if (delayMs !== undefined) delays.observe({}, delayMs / 1_000);
    },
    watchDeployment: (figures: DeploymentFigures) => watchDeployment(registry, figures),
  };
}

function watchDeployment(registry: Parameters<typeof readMetric>[0], figures: DeploymentFigures): void {
  const states = known(readTogether(figures.listVerifierStates));
  const unsealed = known(readTogether(figures.readUnsealed));
  const flushes = known(figures.countFlushes);
  const aside = known(figures.countFlushesAside);
  const webhooks = known(readTogether(figures.readWebhookStates));
  const fill = known(readTogether(figures.readFillProgress));
  const streams = known(readTogether(figures.readStreamsBehind));
  readMetric(registry, 'flowplate_minted_by_filled_keys', async () =>
    (await fill()).map(({ filled }) => ({ value: filled })),
  );
  readMetric(registry, 'flowplate_minted_by_fill_done', async () =>
    (await fill()).map(({ isDone }) => ({ value: Number(isDone) })),
  );
  readMetric(registry, 'flowplate_usage_flushes_waiting', async () =>
    (await flushes()).map((value) => ({ value })),
  );
  readMetric(registry, 'flowplate_usage_flushes_aside', async () =>
    (await aside()).map((value) => ({ value })),
  );
  readMetric(registry, 'flowplate_webhooks', async () =>
    (await webhooks()).flatMap((counts) =>
      (['healthy', 'failing', 'disabled'] as const).map((state) => ({
        labels: { state },
        value: counts[state],
      })),
    ),
  );
  readMetric(registry, 'flowplate_webhook_lag_seconds', async () =>
    (await webhooks()).map(({ lagMsMax }) => ({ value: lagMsMax / 1_000 })),
  );
  readMetric(registry, 'flowplate_verifiers', async () =>
    (await states()).flat().flatMap(({ kind, ...counts }) =>
      (['current', 'behind', 'lapsed'] as const).map((state) => ({
        labels: { kind, state },
        value: counts[state],
      })),
    ),
  );
  readMetric(registry, 'flowplate_verifiers_behind_seconds', async () =>
    (await states())
      .flat()
      .map(({ kind, behindMsMax }) => ({ labels: { kind }, value: behindMsMax / 1_000 })),
  );
  readMetric(registry, 'flowplate_audit_unsealed_events', async () =>
    (await unsealed()).map(({ events }) => ({ value: events })),
  );
  readMetric(registry, 'flowplate_audit_unsealed_age_seconds', async () =>
    (await unsealed()).map(({ oldestAgeMs }) => ({ value: oldestAgeMs / 1_000 })),
  );
  readMetric(registry, 'flowplate_audit_stream_events_behind', async () =>
    (await streams()).flat().map(({ name, events }) => ({ labels: { stream: name }, value: events })),
  );
  readMetric(registry, 'flowplate_audit_stream_age_seconds', async () =>
    (await streams())
      .flat()
      .map(({ name, oldestAgeMs }) => ({ labels: { stream: name }, value: oldestAgeMs / 1_000 })),
  );
  readMetric(registry, 'flowplate_keys', () =>
    (figures.keys()?.counts ?? []).map(({ kind, status, pepperId, keys }) => ({
      labels: { kind, status, pepper: pepperId },
      value: keys,
    })),
  );
  readMetric(registry, 'flowplate_keys_counted_timestamp_seconds', () => {
    const counted = figures.keys();
    return counted === undefined ? [] : [{ value: counted.countedAtMs / 1_000 }];
  });
}

/** The value in a list, or an empty one when it cannot be read in time. */
function known<T>(read: () => Promise<T>): () => Promise<T[]> {
  return () =>
    inTime(read(), readMsMax, () => new Error('too late')).then(
      (value) => [value],
      () => [],
    );
}
