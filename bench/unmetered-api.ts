import { readConfigOrExit } from '../src/config.ts';
import { createApiServer } from '../src/http/server.ts';
import { createLog } from '../src/log.ts';
import { apiMetrics } from '../src/metrics/api-metrics.ts';
import { listen } from '../src/process/serve-http.ts';
import { wireApi } from '../src/wire/api.ts';

/**
 * The API as `src/main.ts` runs it, with a meter of verifications that does nothing: the control
 * arm of the benchmark of metrics.
 */
const config = readConfigOrExit();
const log = createLog({ level: config.LOG_LEVEL, service: 'api' });
const api = wireApi(config, log, apiMetrics());
const nothing = () => undefined;
const verifications = { startMs: () => 0, end: nothing, count: nothing, time: nothing };
const server = createApiServer({ ...api.parts, verifications, isDraining: () => false });

process.once('SIGTERM', async () => {
  server.close();
  server.closeAllConnections();
  await api.close();
  process.exit(0);
});

await api.start();
await listen(server, config.PORT, config.HOST);
