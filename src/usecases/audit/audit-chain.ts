import { type auditFaultKinds, chainStart, type Head, judgeHead, sealHash } from '../../domain/audit-seal.ts';
import type { Keyring } from '../../domain/key-digest.ts';
import {
  type ChainEnd,
  findChainEnd,
  findHeadFrom,
  findSeal,
  findStray,
  inspectQueue,
  listHeads,
  listSealedEvents,
} from '../../stores/postgres/audit/seals.ts';
import type { Db } from '../../stores/postgres/database.ts';

export type AuditFault = {
  seq: number | null;
  eventId: string | null;
  kind: (typeof auditFaultKinds)[number];
};

export type VerifyRequest = {
  fromSeq: number;
  /** Approximate number of events, up to the next head; all when undefined. */
  limit?: number | undefined;
  /**
   * A head that was recorded outside of the database, as evidence against a rollback of all three
   * tables.
   */
  anchor?: { seq: number; hash: Buffer } | undefined;
};

export type AuditVerification = {
  sealedThrough: number;
  verifiedThrough: number;
  events: number;
  unsealed: number;
  firstFault: AuditFault | null;
  head: Head | null;
};

export type ChainParts = { db: Db; keyring: Keyring };

/** Small enough for memory, and for a short turn of the event loop. */
const sealsPerPage = 500;
const eventsPerPage = 10_000;

/**
 * Recomputes the hash chain from `fromSeq` to its end, or to the first head beyond `limit`, and
 * stops at the first fault. The first hash is not checked: the signed head at the other end covers
 * it. No lock and no snapshot. The end is fixed at the start, so that sealing continues.
 */
export async function verifyChain(
  parts: ChainParts,
  request: VerifyRequest,
  signal: AbortSignal,
): Promise<AuditVerification> {
  const [end, { unsealed, lost }] = await Promise.all([findChainEnd(parts.db), inspectQueue(parts.db)]);
  const sealedThrough = end.heads[0]?.seq ?? 0;
  const through = await endOfRange(parts, request, sealedThrough);
  const walk = new Walk(parts, signal);
  const after = request.fromSeq - 1;
  const firstFault =
    (after > sealedThrough ? truncatedAfter(sealedThrough) : undefined) ??
    (await walk.seals(after, Math.min(through, end.seal?.seq ?? 0))) ??
    (through === sealedThrough ? faultOfEnd(parts.keyring, end) : undefined) ??
    (await faultOfAnchor(parts, request.anchor, end)) ??
    (lost === null ? undefined : { seq: null, eventId: lost, kind: 'event_missing' }) ??
    (await walk.strays(after, through === sealedThrough ? undefined : through));
  return {
    sealedThrough,
    verifiedThrough: walk.last,
    events: walk.events,
    unsealed,
    firstFault: firstFault ?? null,
    head: end.heads.at(-1) ?? null,
  };
}

async function endOfRange({ db, keyring }: ChainParts, { fromSeq, limit }: VerifyRequest, last: number) {
  if (limit === undefined) return last;
  const known = keyring.map(({ id }) => id);
  return (await findHeadFrom(db, fromSeq + limit - 1, known)) ?? last;
}

function truncatedAfter(seq: number): AuditFault {
  return { seq: seq + 1, eventId: null, kind: 'truncated' };
}

/**
 * Detects a rollback of one or two of the tables of events, seals and heads. A rollback of all
 * three together cannot be detected here.
 */
function faultOfEnd(keyring: Keyring, { heads, seal }: ChainEnd): AuditFault | undefined {
  const signedThrough = heads[0]?.seq ?? 0;
  const sealedThrough = seal?.seq ?? 0;
  if (sealedThrough < signedThrough) return truncatedAfter(sealedThrough);
  if (sealedThrough > signedThrough) return { seq: signedThrough + 1, eventId: null, kind: 'unsigned' };
  if (heads.length === 0 || heads.some((head) => judgeHead(keyring, head) === 'genuine')) return undefined;
  return { seq: signedThrough, eventId: null, kind: 'head_unknown_pepper' };
}

async function faultOfAnchor(
  { db }: ChainParts,
  anchor: VerifyRequest['anchor'],
  end: ChainEnd,
): Promise<AuditFault | undefined> {
  if (anchor === undefined) return undefined;
  const sealedThrough = end.seal?.seq ?? 0;
  if (anchor.seq > sealedThrough) return truncatedAfter(sealedThrough);
  const seal = await findSeal(db, anchor.seq);
  if (seal?.hash.equals(anchor.hash)) return undefined;
  return { seq: anchor.seq, eventId: seal?.eventId ?? null, kind: 'anchor_mismatch' };
}

/** One pass through the chain, page by page. */
class Walk {
  readonly #parts: ChainParts;
  readonly #signal: AbortSignal;
  last: number = 0;
  events = 0;

  constructor(parts: ChainParts, signal: AbortSignal) {
    this.#parts = parts;
    this.#signal = signal;
  }

  async seals(after: number, through: number): Promise<AuditFault | undefined> {
    this.last = after;
    const start = after === 0 ? chainStart : await findSeal(this.#parts.db, after);
    let hash = start?.hash ?? Buffer.alloc(0);
    while (this.last < through && !this.#signal.aborted) {
      const page = await listSealedEvents(this.#parts.db, { after: this.last, through, limit: sealsPerPage });
      const heads = await this.#headsIn(this.last, page.at(-1)?.seal.seq ?? this.last);
      if (page.length === 0 || start === undefined) return sealMissing(this.last + 1);
      for (const { seal, event } of page) {
        const fault = (kind: AuditFault['kind']) => ({ seq: seal.seq, eventId: seal.eventId, kind });
        if (seal.seq !== this.last + 1) return sealMissing(this.last + 1);
        if (event === undefined) return fault('event_missing');
        hash = sealHash(hash, seal.seq, event);
        if (!hash.equals(seal.hash)) return fault('changed');
        if (heads.get(seal.seq)?.some((head) => this.#isForged(head, hash))) return fault('head_invalid');
        this.last = seal.seq;
        this.events += 1;
      }
    }
    return undefined;
  }

  async #headsIn(after: number, through: number): Promise<Map<number, Head[]>> {
    return Map.groupBy(await listHeads(this.#parts.db, { after, through }), (head) => head.seq);
  }

  #isForged(head: Head, hash: Buffer): boolean {
    return !head.hash.equals(hash) || judgeHead(this.#parts.keyring, head) === 'forged';
  }

  /**
   * Finds events outside of the chain, among the ids from the one at `after` to the one at
   * `through`. Consecutive verifications have adjacent ranges, so together they cover the log.
   */
  async strays(after: number, through: number | undefined): Promise<AuditFault | undefined> {
    const until = through === undefined ? null : ((await this.#eventIdAt(through)) ?? null);
    let from: string | null = (await this.#eventIdAt(after)) ?? '';
    while (from !== null && !this.#signal.aborted) {
      const range = { after: from, through: until, limit: eventsPerPage };
      const { last, stray } = await findStray(this.#parts.db, range);
      if (stray !== null) return { seq: null, eventId: stray, kind: 'stray' };
      from = last;
    }
    return undefined;
  }

  async #eventIdAt(seq: number): Promise<string | undefined> {
    return (await findSeal(this.#parts.db, seq))?.eventId;
  }
}

function sealMissing(seq: number): AuditFault {
  return { seq, eventId: null, kind: 'seal_missing' };
}
