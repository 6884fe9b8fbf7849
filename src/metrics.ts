import { createServer, type Server } from 'node:http';
import { AggregatorRegistry, Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

/** What a process can be watched by. Labels have few values each: no id, key or path ever becomes one. */
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
    countVerdict: countBy(
      new Counter({
        name: 'flowplate_verdicts_total',
        help: 'Verifications by the code of their verdict',
        labelNames: ['code'],
        registers,
      }),
    ),
    countRecordSource: countBy(
      new Counter({
        name: 'flowplate_record_lookups_total',
        help: 'Where the records of verified keys came from',
        labelNames: ['source'],
        registers,
      }),
    ),
    dependencyFaults: new Counter({
      name: 'flowplate_dependency_faults_total',
      help: 'Faults met in the background, by what was not reached',
      labelNames: ['dependency'],
      registers,
    }),
    jobs: new Histogram({
      name: 'flowplate_job_seconds',
      help: 'Background jobs by name and outcome',
      labelNames: ['job', 'outcome'],
      buckets: [0.01, 0.05, 0.1, 0.5, 1, 5, 30],
      registers,
    }),
    /** A value that is read whenever somebody looks. */
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

/** Counts by one label on the hot path: the labelled child is looked up once, not hashed anew at each call. */
function countBy<L extends string>(counter: Counter<L>): (value: string) => void {
  const children = new Map<string, { inc(): void }>();
  return (value) => {
    const child = children.get(value) ?? counter.labels(value);
    children.set(value, child);
    child.inc();
  };
}

/** In a process of several: the primary asks for these and adds them up. */
export function shareWithPrimary(registry: Registry): void {
  AggregatorRegistry.setRegistries([registry]);
  // Constructing one is what makes this process answer the primary.
  new AggregatorRegistry();
}

/** Serves `/metrics`, and `/health/live` for processes without an API. */
export function metricsServer(read: () => Promise<string>): Server {
  return createServer(async (req, res) => {
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
