import type { Log } from '../log.ts';
import type { ApiMetrics } from '../metrics/api-metrics.ts';
import type { OnSetAside } from '../usecases/usage/set-flush-aside.ts';

/**
 * Logs and counts each usage flush that was set aside. Its calls are in no sum until an operator
 * puts it back. A dropped one is only counted, so that foreign data in Redis cannot fill the log.
 */
export function tellOfSetAside(
  log: Log,
  metrics: Pick<ApiMetrics, 'flushesSetAside' | 'flushesDropped'>,
): OnSetAside {
  return ({ flushId, payload, error }, isKept) => {
    if (!isKept) return metrics.flushesDropped.inc();
    metrics.flushesSetAside.inc();
    log.error({ flush_id: flushId.slice(0, 100), bytes: payload.length, error }, 'usage flush set aside');
  };
}
