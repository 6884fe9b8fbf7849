import type { LeftOutReason } from '../domain/reported-mark.ts';
import type { Log } from '../log.ts';
import type { ApiMetrics } from '../metrics/api-metrics.ts';
import type { LeftOut } from '../usecases/verifiers/report-usage.ts';

const logEveryMs = 60_000;
const masterKeysMax = 10_000;

type Told = { atMs: number; untold: Map<LeftOutReason, number> };

/**
 * Counts usage-report lines that were left out, and logs their master key: at once, then once a
 * minute with the sum. A gateway with a wrong clock then cannot fill the log.
 */
export function tellOfLeftOutUsage(
  log: Log,
  metrics: Pick<ApiMetrics, 'usageLeftOut'>,
): (leftOut: LeftOut) => void {
  const toldOf = new Map<string, Told>();
  return ({ masterKeyId, verifierId, lines }) => {
    if (toldOf.size > masterKeysMax) toldOf.clear();
    const told = toldOf.get(masterKeyId) ?? { atMs: Number.NEGATIVE_INFINITY, untold: new Map() };
    toldOf.set(masterKeyId, told);
    for (const [reason, count] of lines) {
      metrics.usageLeftOut.inc({ reason }, count);
      told.untold.set(reason, (told.untold.get(reason) ?? 0) + count);
    }
    if (performance.now() - told.atMs < logEveryMs) return;
    const fields = {
      master_key_id: masterKeyId,
      verifier_id: verifierId,
      lines: Object.fromEntries(told.untold),
    };
    log.warn(fields, 'usage report not counted in full');
    told.atMs = performance.now();
    told.untold.clear();
  };
}
