import type { KeyRecord } from '../../domain/key-record.ts';
import { parseJson } from '../../domain/read-json.ts';
import type { KeyStatus } from '../../domain/user-key.ts';
import { ByteReader, ByteWriter } from './bytes.ts';

/**
 * `readAtMs`: the database server's time of the read. `asOfSeq`: feed position applied before the
 * read, so the record includes all changes up to it.
 */
export type PackedRecord = { record: KeyRecord; readAtMs: number; asOfSeq: number };

/**
 * The first byte of every packed record: a reader that does not know the layout treats the entry as
 * absent. Layouts 1 to 3 were JSON under other names (`fl:record:…`).
 */
const layout = 4;

const statuses: readonly KeyStatus[] = ['active', 'superseded', 'revoked', 'expired'];

/** Bits of the second byte, above the two of the status. */
const isEnabled = 4;
const hasMore = 8;

/**
 * A record in 52 bytes or so: numbers in as many bytes as they need, ids by six bits a digit. All
 * that most keys leave at its default is one JSON object at the end, or nothing.
 */
export function packRecord({ record, readAtMs, asOfSeq }: PackedRecord): Buffer {
  const more = JSON.stringify(moreOf(record));
  const isMore = more !== '{}';
  const status = statuses.indexOf(record.status);
  const writer = new ByteWriter();
  writer.byte(layout);
  writer.byte(status | (record.enabled ? isEnabled : 0) | (isMore ? hasMore : 0));
  for (const number of [Math.floor(readAtMs), asOfSeq, record.revision]) writer.number(number);
  writer.id(record.id);
  for (const text of [record.userId, record.organizationId, record.environment]) writer.text(text);
  if (isMore) writer.text(more);
  return writer.bytes();
}

/** Undefined for other layouts: another version's entry, or foreign data. */
export function unpackRecord(bytes: Buffer): PackedRecord | undefined {
  if (bytes[0] !== layout) return undefined;
  try {
    return readRecord(new ByteReader(bytes.subarray(1)));
  } catch {
    return undefined;
  }
}

function readRecord(reader: ByteReader): PackedRecord | undefined {
  const bits = reader.byte();
  const [readAtMs, asOfSeq, revision] = [reader.number(), reader.number(), reader.number()];
  const id = reader.id();
  const [userId, organizationId, environment] = [reader.text(), reader.text(), reader.text()];
  const more = bits & hasMore ? (parseJson(reader.text()) as More) : {};
  const status = statuses[bits & 3];
  if (status === undefined || !reader.isAtEnd || bits >= 2 * hasMore) return undefined;
  const record = {
    id,
    revision,
    lineageId: more.l ?? id,
    userId,
    organizationId,
    environment,
    status,
    enabled: (bits & isEnabled) !== 0,
    expiresAtMs: more.e ?? null,
    supersededUntilMs: more.u ?? null,
    supersededBy: more.b ?? null,
    supersededAtMs: more.t ?? null,
    scopes: more.s ?? [],
    metadata: more.m ?? {},
    rateLimit: more.r ?? null,
    quota: more.q ?? null,
    ipAllowlist: more.i ?? null,
  };
  return { record, readAtMs, asOfSeq };
}

/** Fields that are not at their default, by one letter each. */
type More = {
  l?: string;
  e?: number;
  u?: number;
  b?: string;
  t?: number;
  s?: string[];
  m?: KeyRecord['metadata'];
  r?: NonNullable<KeyRecord['rateLimit']>;
  q?: NonNullable<KeyRecord['quota']>;
  i?: string[];
};

function moreOf(record: KeyRecord): { [Letter in keyof More]: More[Letter] | undefined } {
  return {
    l: record.lineageId === record.id ? undefined : record.lineageId,
    e: record.expiresAtMs ?? undefined,
    u: record.supersededUntilMs ?? undefined,
    b: record.supersededBy ?? undefined,
    t: record.supersededAtMs ?? undefined,
    s: record.scopes.length === 0 ? undefined : record.scopes,
    m: Object.keys(record.metadata).length === 0 ? undefined : record.metadata,
    r: record.rateLimit ?? undefined,
    q: record.quota ?? undefined,
    i: record.ipAllowlist ?? undefined,
  };
}
