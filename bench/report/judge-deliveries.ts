import type { Arrival } from '../stage/moody-receiver.ts';

/** An event that an endpoint has to get. `seq`: place in the sealed order; null while unsealed. */
export type Owed = { id: string; seq: number | null; createdAtMs: number };

export type FirstDelivery = { createdAtMs: number; deliveredAtMs: number };

export type Judged = {
  missing: string[];
  unknown: string[];
  /** Events whose first delivery came after that of a later one. */
  outOfOrder: string[];
  repeats: number;
  first: FirstDelivery[];
};

/** Holds what one endpoint got against what it is owed, in the sealed order. */
export function judgeDeliveries(owed: readonly Owed[], arrivals: readonly Arrival[]): Judged {
  const events = new Map(owed.map((event) => [event.id, event]));
  const seen = new Set<string>();
  const judged: Judged = { missing: [], unknown: [], outOfOrder: [], repeats: 0, first: [] };
  let lastSeq = 0;
  for (const { eventId, atMs } of arrivals) {
    const event = events.get(eventId);
    if (seen.has(eventId)) judged.repeats += 1;
    else if (event === undefined) judged.unknown.push(eventId);
    else {
      const seq = event.seq ?? 0;
      if (seq < lastSeq) judged.outOfOrder.push(eventId);
      lastSeq = Math.max(lastSeq, seq);
      judged.first.push({ createdAtMs: event.createdAtMs, deliveredAtMs: atMs });
    }
    seen.add(eventId);
  }
  judged.missing = owed.filter(({ id }) => !seen.has(id)).map(({ id }) => id);
  return judged;
}
