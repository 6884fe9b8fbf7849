import { timeOfId } from '../../domain/ids.ts';
import type { KeyRecord } from '../../domain/key-record.ts';
import { minterTagDigits } from '../../domain/key-stop.ts';
import { parseJson } from '../../domain/read-json.ts';
import type { StoredKeyStatus } from '../../domain/user-key.ts';
import { ByteReader, ByteWriter } from './bytes.ts';

/**
 * `readAtMs`: the database server's time of the read. `asOfSeq`: feed position applied before the
 * read, so the record includes all changes up to it.
 */
export type PackedRecord = { record: KeyRecord; readAtMs: number; asOfSeq: number };

/**
 * The three upper bits of the first byte of every packed record: a reader that does not know the
 * layout treats the entry as absent. Layouts 1 to 3 were JSON under other names (`fl:record:…`),
 * and 4 had no minter.
 */
const layout = 5;
const layoutBit = 5;
const isEnabled = 4;
const hasMore = 8;
const hasUsualId = 16;
/** In the two lowest bits. */
const statuses: readonly StoredKeyStatus[] = ['active', 'superseded', 'revoked', 'expired'];

/** Ids of user keys and names of environments that most records have. Never reorder or remove. */
const usualId = /^flk_([0-9A-Za-z]{22})$/;
const usualEnvironments: readonly string[] = ['prod', 'production', 'default', 'dev', 'staging', 'test'];
const idPrefix = 'flk_';
const idDigits = 22;
/** In the place of the tag of a minter that is not known. */
const noMinter = 'A'.repeat(minterTagDigits);
/** First byte of an environment that is not spelled out, and its place in the list. */
const usual = 128;

/**
 * A record in some 55 bytes: numbers in as many bytes as they need, words by six bits a character.
 * With the code, 60 bytes are the most that Redis keeps in 64; the next step is 80. All that most
 * keys leave at its default is one JSON object at the end, or nothing.
 */
export function packRecord({ record, readAtMs, asOfSeq }: PackedRecord): Buffer {
  const more = JSON.stringify(moreOf(record));
  const [, idTail] = usualId.exec(record.id) ?? [];
  const bits =
    statuses.indexOf(record.status) |
    (record.enabled ? isEnabled : 0) |
    (more === '{}' ? 0 : hasMore) |
    (idTail === undefined ? 0 : hasUsualId);
  const writer = new ByteWriter();
  writer.byte((layout << layoutBit) | bits);
  const numbers = [Math.floor(readAtMs), asOfSeq, record.revision, record.mintNumber];
  for (const number of numbers) writer.number(number);
  writer.digits(record.minter ?? noMinter);
  if (idTail === undefined) writer.text(record.id);
  else writer.digits(idTail);
  for (const text of [record.userId, record.organizationId]) writer.text(text);
  writeEnvironment(writer, record.environment);
  if (more !== '{}') writer.text(more);
  return writer.bytes();
}

/** Undefined for other layouts: another version's entry, or foreign data. */
export function unpackRecord(bytes: Buffer): PackedRecord | undefined {
  if ((bytes[0] ?? 0) >> layoutBit !== layout) return undefined;
  try {
    return readRecord(new ByteReader(bytes));
  } catch {
    return undefined;
  }
}

function readRecord(reader: ByteReader): PackedRecord | undefined {
  const bits = reader.byte();
  const [readAtMs, asOfSeq, revision] = [reader.number(), reader.number(), reader.number()];
  const [mintNumber, minter] = [reader.number(), reader.digits(minterTagDigits)];
  const id = bits & hasUsualId ? idPrefix + reader.digits(idDigits) : reader.text();
  const [userId, organizationId] = [reader.text(), reader.text()];
  const environment = readEnvironment(reader);
  const more = bits & hasMore ? (parseJson(reader.text()) as More) : {};
  if (!reader.isAtEnd) return undefined;
  const record = {
    id,
    revision,
    lineageId: more.l ?? id,
    userId,
    organizationId,
    environment,
    status: statuses[bits & 3] as StoredKeyStatus,
    enabled: (bits & isEnabled) !== 0,
    expiresAtMs: more.e ?? null,
    supersededUntilMs: more.u ?? null,
    quarantinedUntilMs: more.k ?? null,
    supersededBy: more.b ?? null,
    supersededAtMs: more.t ?? null,
    minter: minter === noMinter ? null : minter,
    mintNumber,
    createdAtMs: more.c ?? timeOfId(id, 'key') ?? 0,
    scopes: more.s ?? [],
    metadata: more.m ?? {},
    rateLimit: more.r ?? null,
    quota: more.q ?? null,
    ipAllowlist: more.i ?? null,
  };
  return { record, readAtMs, asOfSeq };
}

function writeEnvironment(writer: ByteWriter, environment: string): void {
  const place = usualEnvironments.indexOf(environment);
  writer.byte(place < 0 ? 0 : usual + place);
  if (place < 0) writer.text(environment);
}

function readEnvironment(reader: ByteReader): string {
  const place = reader.byte() - usual;
  return place < 0 ? reader.text() : (usualEnvironments[place] ?? reader.text());
}

/** Fields that are not at their default, by one letter each. */
type More = {
  l?: string;
  e?: number;
  u?: number;
  k?: number;
  b?: string;
  t?: number;
  c?: number;
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
    k: record.quarantinedUntilMs ?? undefined,
    b: record.supersededBy ?? undefined,
    t: record.supersededAtMs ?? undefined,
    // An id begins with the time of its mint.
    c: record.createdAtMs === timeOfId(record.id, 'key') ? undefined : record.createdAtMs,
    s: record.scopes.length === 0 ? undefined : record.scopes,
    m: Object.keys(record.metadata).length === 0 ? undefined : record.metadata,
    r: record.rateLimit ?? undefined,
    q: record.quota ?? undefined,
    i: record.ipAllowlist ?? undefined,
  };
}
