import type { KeyedQueue } from '../../concurrency/keyed-queue.ts';
import { FlowplateError } from '../../domain/errors.ts';
import type { KeyRefusal } from '../../domain/key-refusal.ts';
import { isVisibleTo, type MasterKeyPrincipal } from '../../domain/principal.ts';
import { reportedLateMsMax } from '../../domain/reported-mark.ts';
import type { Db } from '../../stores/postgres/database.ts';
import { listPlacesOfKeys } from '../../stores/postgres/user-keys/user-keys.ts';
import type { KnownReporters } from './known-reporters.ts';

export type ReportRefusalsParts = {
  db: Db;
  reporters: KnownReporters;
  /** One look-up at a time for each master key: a flood of reports by one holds up its own. */
  turns: KeyedQueue;
  /** The same way that this process's own refusals go, and within the same bounds. */
  note: (refusal: Omit<KeyRefusal, 'serial'>) => void;
};

export type ReportedRefusal = Pick<KeyRefusal, 'keyId' | 'atMs' | 'code' | 'requestId' | 'ip'>;

/**
 * Keeps what an embedded verifier has refused among the last refusals of its keys. Left out is what
 * it cannot have refused: keys that do not exist or that its master key may not see, and times that
 * are to come or long over. `VERIFIER_NOT_FOUND` when it must register anew first.
 */
export async function reportRefusals(
  parts: ReportRefusalsParts,
  principal: MasterKeyPrincipal,
  {
    verifierId,
    refusals,
    nowMs,
  }: { verifierId: string; refusals: readonly ReportedRefusal[]; nowMs: number },
): Promise<void> {
  const places = await parts.turns.run(principal.id, async () => {
    const isKnown = await parts.reporters.has({ id: verifierId, masterKeyId: principal.id });
    if (!isKnown) throw new FlowplateError('VERIFIER_NOT_FOUND');
    return listPlacesOfKeys(parts.db, [...new Set(refusals.map(({ keyId }) => keyId))]);
  });
  for (const refusal of refusals) {
    const place = places.get(refusal.keyId);
    if (!place?.environment || !isVisibleTo(principal, place.organizationId, place.environment)) continue;
    if (refusal.atMs < nowMs - reportedLateMsMax || refusal.atMs > nowMs + clocksApartMsMax) continue;
    parts.note({ ...refusal, traceId: null, endpoint: 'embedded', masterKeyId: principal.id });
  }
}

/** Verifiers follow the clock of the broker, to within a heartbeat. */
const clocksApartMsMax = 60_000;
