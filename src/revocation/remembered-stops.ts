import type { KeyRecord } from '../domain/key-record.ts';
import { type KeyStop, minterTag, type StopKind } from '../domain/key-stop.ts';

/** The fields of a record by which a stop covers it. */
export type StoppableRecord = Pick<
  KeyRecord,
  'minter' | 'userId' | 'organizationId' | 'mintNumber' | 'createdAtMs'
>;

type Remembered = { seq: number; mintNumberBelow: number; createdBeforeMs: number };

/**
 * Stops that this verifier has heard of, by kind and subject. A stop of a million keys is one
 * entry, and costs one look at each record that is used afterwards.
 *
 * It judges records from before its place in the feed. A later read of Postgres has the stop in it.
 */
export class RememberedStops {
  readonly #byKind: Record<StopKind, Map<string, Remembered[]>> = {
    minted_by: new Map(),
    user: new Map(),
    organization: new Map(),
  };
  #size = 0;
  #newestOfMinterSeq = -1;

  remember(stop: KeyStop, seq: number): void {
    const bySubject = this.#byKind[stop.kind];
    const name = nameOf(stop);
    const { mintNumberBelow, createdBefore } = stop;
    const remembered = { seq, mintNumberBelow, createdBeforeMs: createdBefore?.getTime() ?? Infinity };
    bySubject.set(name, [...(bySubject.get(name) ?? []), remembered]);
    this.#size += 1;
    if (stop.kind === 'minted_by') this.#newestOfMinterSeq = seq;
  }

  /** Forgets a stop. No record from before its place may be used any more. */
  forget(stop: KeyStop, seq: number): void {
    const bySubject = this.#byKind[stop.kind];
    const name = nameOf(stop);
    const known = bySubject.get(name) ?? [];
    const kept = known.filter((each) => each.seq !== seq);
    if (kept.length === 0) bySubject.delete(name);
    else bySubject.set(name, kept);
    this.#size -= known.length - kept.length;
  }

  clear(): void {
    for (const bySubject of Object.values(this.#byKind)) bySubject.clear();
    this.#size = 0;
    this.#newestOfMinterSeq = -1;
  }

  /**
   * Whether the record has to be read again: it does not say who minted its key, and a stop of all
   * that somebody minted came after it was read.
   */
  isUnclear({ minter }: StoppableRecord, asOfSeq: number): boolean {
    return minter === null && asOfSeq < this.#newestOfMinterSeq;
  }

  /** Whether a stop behind the place at which the record was read covers its key. */
  covers(record: StoppableRecord, asOfSeq: number): boolean {
    if (this.#size === 0) return false;
    const { minted_by: byMinter, user: byUser, organization: byOrganization } = this.#byKind;
    const { minter } = record;
    return (
      isCovered(minter === null ? undefined : byMinter.get(minter), record, asOfSeq) ||
      isCovered(byUser.get(record.userId), record, asOfSeq) ||
      isCovered(byOrganization.get(record.organizationId), record, asOfSeq)
    );
  }
}

/** A record names its minter by a tag. */
function nameOf({ kind, subject }: KeyStop): string {
  return kind === 'minted_by' ? minterTag(subject) : subject;
}

function isCovered(
  stops: readonly Remembered[] | undefined,
  { mintNumber, createdAtMs }: StoppableRecord,
  asOfSeq: number,
): boolean {
  if (stops === undefined) return false;
  return stops.some(
    (stop) => stop.seq > asOfSeq && mintNumber < stop.mintNumberBelow && createdAtMs < stop.createdBeforeMs,
  );
}
