import type { Log } from '../log.ts';
import type { Metrics } from '../metrics.ts';
import type { OnSetAside } from '../usecases/usage/set-flush-aside.ts';

/**
 * One line and one count for each usage flush that was set aside: its calls are in no sum until an
 * operator puts it back.
 */
export function tellOfSetAside(log: Log, metrics: Metrics): OnSetAside {
  return ({ flushId, payload, error }) => {
    metrics.flushesSetAside.inc();
    log.error({ flush_id: flushId, bytes: payload.length, error }, 'usage flush set aside');
  };
}
