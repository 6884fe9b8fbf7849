import { createServer, type Server, type ServerResponse } from 'node:http';
import { AggregatorRegistry, Registry } from 'prom-client';
import { toOriginForm } from '../http/request-target.ts';

/** In a process of several: the primary asks for these and adds them up. */
export function shareWithPrimary(registry: Registry): void {
  AggregatorRegistry.setRegistries([registry]);
  // Constructing one is what makes this process answer the primary.
  new AggregatorRegistry();
}

/** Serves `/metrics`, and `/health/live` for processes without an API. */
export function metricsServer(read: () => Promise<string>): Server {
  return createServer((req, res) => {
    toOriginForm(req);
    if (req.url === '/health/live') {
      res.setHeader('Content-Type', 'application/json').end('{"status":"live"}');
    } else if (req.url === '/metrics') {
      void answer(res, read);
    } else {
      res.writeHead(404).end();
    }
  });
}

/** 503 when the metrics cannot be read: in a primary, one of its processes did not answer. */
async function answer(res: ServerResponse, read: () => Promise<string>): Promise<void> {
  await read().then(
    (text) => res.setHeader('Content-Type', Registry.PROMETHEUS_CONTENT_TYPE).end(text),
    (error: Error) => res.writeHead(503, { 'Content-Type': 'text/plain' }).end(`${error.message}\n`),
  );
}
