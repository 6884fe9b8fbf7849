import { systemOrigin } from '../../domain/audit-event.ts';
import type { RandomBytes } from '../../domain/clock.ts';
import { revokesNothing } from '../../domain/key-change.ts';
import type { Database } from '../../stores/postgres/database.ts';
import { afterEveryId, holdWatch, moveWatch, noteRun } from '../../stores/postgres/events/watches.ts';
import { readServerTime } from '../../stores/postgres/server-time.ts';
import { listLapsedVerifiers } from '../../stores/postgres/verifiers/lapsed-verifiers.ts';
import { commitAt } from '../change.ts';

const watch = 'verifier.lapsed';

/** A restart, a short cut of the network and a failover of Postgres end within this time. */
const silenceMs = 5 * 60_000;

/** Three runs. In a longer pause Postgres may have been away, and all verifiers silent with it. */
const gapMs = 3 * 60_000;

/**
 * Writes `verifier.lapsed` for verifiers whose lease ended five minutes ago without a sign-off.
 * After a gap of the worker's own runs it waits another five minutes, in which the verifiers come
 * back. Returns the number of events.
 */
export async function tellLapsedVerifiers(
  parts: { db: Database; randomBytes: RandomBytes },
  fixedNow?: Date,
): Promise<number> {
  const now = fixedNow ?? (await readServerTime(parts.db));
  const through = new Date(now.getTime() - silenceMs);
  const { answer } = await commitAt(parts, now, { by: systemOrigin }, async (tx) => {
    const held = await holdWatch(tx, watch);
    const isReady = held !== undefined && (await noteRun(tx, watch, { now, gapMs })) <= through;
    const lapsed =
      isReady && held.toldUntil < through
        ? await listLapsedVerifiers(tx, { after: held.toldUntil, through })
        : [];
    if (isReady && held.toldUntil < through) {
      await moveWatch(tx, watch, { toldUntil: through, afterId: afterEveryId, until: null });
    }
    const events = lapsed.map(({ id, masterKeyId, leaseUntil }) => ({
      eventType: 'verifier.lapsed' as const,
      organizationId: null,
      targetId: id,
      details: {
        kind: masterKeyId === null ? 'api' : 'embedded',
        ...(masterKeyId === null ? {} : { master_key_id: masterKeyId }),
        lease_until: leaseUntil.toISOString(),
      },
    }));
    return { answer: { told: events.length }, events, revokes: revokesNothing };
  });
  return answer.told;
}
