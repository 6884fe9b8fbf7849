import { createServer, type Server } from 'node:http';
import { AggregatorRegistry, Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { HeldUpBy } from './domain/propagation.ts';
import { toOriginForm } from './http/request-target.ts';
import type { LimitDecision } from './verify/limits.ts';

/**
 * Prometheus metrics of a process. Labels have few values: an id, a key or a path never becomes
 * one.
 */
export type Metrics = ReturnType<typeof createMetrics>;

const latencyBuckets = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5];

export function createMetrics() {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  return {
    registry,
    requests: new Histogram({
      name: 'flowplate_http_request_seconds',
      help: 'Finished requests by route and status',
      labelNames: ['method', 'route', 'status'],
      buckets: latencyBuckets,
      registers,
    }),
    countVerdict: countBy(registry, 'code', {
      name: 'flowplate_verdicts_total',
      help: 'Verifications by the code of their verdict',
    }),
    countLimitDecision: countBy<LimitDecision>(registry, 'by', {
      name: 'flowplate_limit_decisions_total',
      help: 'Calls of limited keys by who decided: counted in Redis, local share of this process, overloaded',
    }),
    countRecordSource: countBy(registry, 'source', {
      name: 'flowplate_record_lookups_total',
      help: 'Where the records of verified keys came from',
    }),
    dependencyFaults: new Counter({
      name: 'flowplate_dependency_faults_total',
      help: 'Faults met in the background, by what was not reached',
      labelNames: ['dependency'],
      registers,
    }),
    countPending: countPending(registry),
    flushesSetAside: new Counter({
      name: 'flowplate_usage_flushes_set_aside_total',
      help: 'Usage flushes that could not be added up and were set aside',
      registers,
    }),
    flushesDropped: new Counter({
      name: 'flowplate_usage_flushes_dropped_total',
      help: 'Values in Redis in place of usage flushes that no process of ours wrote, beyond what is set aside',
      registers,
    }),
    refusalsLeftOut: new Counter({
      name: 'flowplate_last_refusals_left_out_total',
      help: 'Refusals that were not kept among the last ones of their key, for lack of room in a flood',
      registers,
    }),
    usageLeftOut: new Counter({
      name: 'flowplate_usage_reports_left_out_total',
      help: 'Lines of usage reports that were not counted, by reason',
      labelNames: ['reason'],
      registers,
    }),
    jobs: new Histogram({
      name: 'flowplate_job_seconds',
      help: 'Background jobs by name and outcome',
      labelNames: ['job', 'outcome'],
      buckets: [0.01, 0.05, 0.1, 0.5, 1, 5, 30],
      registers,
    }),
    /** A gauge that is read when it is scraped. */
    watch(name: string, help: string, read: () => number | Promise<number>): void {
      new Gauge({
        name,
        help,
        registers,
        async collect() {
          this.set(await read());
        },
      });
    },
  };
}

/** Counts changes that some verifier did not confirm in time, and those verifiers by kind. */
function countPending(registry: Registry): (heldUpBy: readonly HeldUpBy[]) => void {
  const pending = new Counter({
    name: 'flowplate_pending_changes_total',
    help: 'Revokes and other changes that were answered pending, since some verifier had not confirmed them',
    registers: [registry],
  });
  const verifiers = new Counter({
    name: 'flowplate_held_up_by_verifiers_total',
    help: 'Verifiers that had not confirmed a change in time, once for each pending change',
    labelNames: ['kind'],
    registers: [registry],
  });
  return (heldUpBy) => {
    pending.inc();
    for (const { masterKeyId } of heldUpBy)
      verifiers.inc({ kind: masterKeyId === null ? 'api' : 'embedded' });
  };
}

/**
 * Counter with one label for the hot path. Increments a plain number, and copies it to the counter
 * at a scrape (0.09 → 0.01 µs).
 */
function countBy<L extends string>(
  registry: Registry,
  labelName: string,
  named: { name: string; help: string },
): (value: L) => void {
  const untold = new Map<L, { count: number }>();
  new Counter({
    ...named,
    labelNames: [labelName],
    registers: [registry],
    collect() {
      for (const [value, news] of untold) {
        this.inc({ [labelName]: value }, news.count);
        news.count = 0;
      }
    },
  });
  return (value) => {
    const news = untold.get(value);
    if (news === undefined) untold.set(value, { count: 1 });
    else news.count += 1;
  };
}

/** For cluster workers: the primary process requests these and sums them. */
export function shareWithPrimary(registry: Registry): void {
  AggregatorRegistry.setRegistries([registry]);
  // Its constructor registers the answer to the primary.
  new AggregatorRegistry();
}

/** Serves `/metrics`, and `/health/live` for processes without an API. */
export function metricsServer(read: () => Promise<string>): Server {
  return createServer(async (req, res) => {
    toOriginForm(req);
    if (req.url === '/health/live') {
      res.setHeader('Content-Type', 'application/json').end('{"status":"live"}');
    } else if (req.url === '/metrics') {
      const text = await read();
      res.setHeader('Content-Type', Registry.PROMETHEUS_CONTENT_TYPE).end(text);
    } else {
      res.writeHead(404).end();
    }
  });
}
