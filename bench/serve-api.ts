import { readConfigOrExit } from '../src/config.ts';
import type { AppParts } from '../src/http/app.ts';
import { createApiServer } from '../src/http/server.ts';
import { createLog } from '../src/log.ts';
import { apiMetrics } from '../src/metrics/api-metrics.ts';
import { listen } from '../src/process/serve-http.ts';
import { wireApi } from '../src/wire/api.ts';

/** Runs the API as `src/main.ts` does, with some of its parts replaced. */
export async function serveApi(replaced: Partial<AppParts>): Promise<void> {
  const config = readConfigOrExit();
  const log = createLog({ level: config.LOG_LEVEL, service: 'api' });
  const api = wireApi(config, log, apiMetrics());
  const server = createApiServer({ ...api.parts, ...replaced, isDraining: () => false });
  process.once('SIGTERM', async () => {
    server.close();
    server.closeAllConnections();
    await api.close();
    process.exit(0);
  });
  await api.start();
  await listen(server, config.PORT, config.HOST);
}
