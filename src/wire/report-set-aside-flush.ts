import type { Log } from '../log.ts';
import type { Metrics } from '../metrics.ts';
import type { OnSetAside } from '../usecases/usage/set-flush-aside.ts';

/**
 * One line and one count for each usage flush that was set aside: its calls are in no sum until an
 * operator puts it back. What was dropped is only counted: a stranger who fills Redis must not fill
 * the log as well.
 */
export function tellOfSetAside(log: Log, metrics: Metrics): OnSetAside {
  return ({ flushId, payload, error }, isKept) => {
    if (!isKept) return metrics.flushesDropped.inc();
    metrics.flushesSetAside.inc();
    log.error({ flush_id: flushId.slice(0, 100), bytes: payload.length, error }, 'usage flush set aside');
  };
}
