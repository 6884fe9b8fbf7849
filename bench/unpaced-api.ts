import { readConfigOrExit } from '../src/config.ts';
import { RefusalPace } from '../src/http/refusal-pace.ts';
import { createApiServer } from '../src/http/server.ts';
import { createLog } from '../src/log.ts';
import { apiMetrics } from '../src/metrics/api-metrics.ts';
import { listen } from '../src/process/serve-http.ts';
import { wireApi } from '../src/wire/api.ts';

/**
 * The API as `src/main.ts` runs it, without a pace for unknown keys: what one costs can be seen
 * only where their answers are not held back.
 */
const config = readConfigOrExit();
const log = createLog({ level: config.LOG_LEVEL, service: 'api' });
const api = wireApi(config, log, apiMetrics());
const unknownKeyPace = new RefusalPace({ perSecond: 1e9, atOnceMax: 1e9, waitMsMax: 0, waitingMax: 0 });
const server = createApiServer({ ...api.parts, unknownKeyPace, isDraining: () => false });

process.once('SIGTERM', async () => {
  server.close();
  server.closeAllConnections();
  await api.close();
  process.exit(0);
});

await api.start();
await listen(server, config.PORT, config.HOST);
