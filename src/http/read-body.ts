import type { IncomingMessage } from 'node:http';
import { type ParsedUrlQuery, parse as parseForm } from 'node:querystring';
import type { MaybeLater } from '../concurrency/maybe-later.ts';
import { FlowplateError, validationError } from '../domain/errors.ts';
import { pickHeaders } from '../domain/pick-headers.ts';
import { parseSentJson } from './parse-sent-json.ts';
import type { RequestHead } from './request-head.ts';

export const bodyBytesMax = 64 * 1024;
/**
 * Size limit for unauthenticated callers. An address and a password with every character escaped
 * have 7.7 KB. Parsing 64 KiB takes up to 10 ms of the event loop.
 */
export const strangersBodyBytesMax = 8 * 1024;
const jsonType = 'application/json';
/** https://github.com/ndjson/ndjson-spec */
export const linesMediaType = 'application/x-ndjson';
const formType = 'application/x-www-form-urlencoded';
const mergePatchType = 'application/merge-patch+json';
/** Types accepted by a PATCH. A 415 lists them in `Accept-Patch` (RFC 5789 §2.2). */
export const patchTypes: readonly string[] = [jsonType, mergePatchType];
const utf8 = new TextDecoder('utf-8', { fatal: true });

export type BodyLimits = { bytesMax: number; onFirst: () => void };

/**
 * Reads the whole body and hands it to `use`. Stops at the first byte when `onFirst` throws, and at
 * the size limit. A callback, because a promise for each later step costs 5 % of a verification.
 */
export type ReadBytes = <T>(limits: BodyLimits, use: (bytes: Buffer) => MaybeLater<T>) => MaybeLater<T>;

/** A request as far as its body goes. */
export type SentBody = { req: RequestHead; readBytes: ReadBytes };

/**
 * Reads the JSON body, only after authentication; `{}` when none was sent. Strict UTF-8: a
 * replacement character would silently change a value. The parser's own message is not passed on,
 * because it quotes the body.
 */
export function readJsonBody<T>(
  sent: SentBody,
  bytesMax: number,
  use: (sent: unknown) => MaybeLater<T>,
): MaybeLater<T> {
  return readBody(sent, [jsonType], bytesMax, parseSentJson, use);
}

/** Like `readJsonBody`, for a PATCH, which may also be a JSON merge patch (RFC 7396). */
export function readPatchBody<T>(
  sent: SentBody,
  bytesMax: number,
  use: (sent: unknown) => MaybeLater<T>,
): MaybeLater<T> {
  return readBody(sent, patchTypes, bytesMax, parseSentJson, use);
}

export function isMergePatch(req: RequestHead): boolean {
  return mediaTypeOf(readBodyHeaders(req)) === mergePatchType;
}

export type FormMembers = Readonly<Record<string, string>>;

/**
 * Members of a form body (RFC 6749 appendix B). A duplicate is `INVALID_JSON` (RFC 6749 §3.1),
 * since readers may differ in which value they take.
 */
export async function readFormBody(
  sent: SentBody,
  membersMax = Number.POSITIVE_INFINITY,
): Promise<FormMembers> {
  const parse = (text: string) => parseMembers(text, membersMax);
  const members = await readBody(sent, [formType], bodyBytesMax, parse, (all) => all);
  if (Object.values(members).some((value) => typeof value !== 'string')) {
    throw new FlowplateError('INVALID_JSON', { systemMessage: 'A form member was sent more than once' });
  }
  return members as FormMembers;
}

/** Of a caller who is not known. OAuth libraries send ten; ten thousand take up to 12 ms. */
export const strangersMembersMax = 100;

function parseMembers(text: string, membersMax: number): ParsedUrlQuery {
  if (Number.isFinite(membersMax) && text.split('&', membersMax + 1).length > membersMax) {
    throw new FlowplateError('INVALID_JSON', {
      systemMessage: `An unauthenticated form has at most ${membersMax} members`,
    });
  }
  return { ...parseForm(text, '&', '=', { maxKeys: 0 }) };
}

/**
 * Reads and parses a body. Checks the type at the first byte only: some proxies send a request
 * without a body as `Transfer-Encoding: chunked` and no chunk.
 */
function readBody<Sent, T>(
  { req, readBytes }: SentBody,
  types: readonly string[],
  bytesMax: number,
  parse: (text: string) => Sent,
  use: (sent: Sent | Record<string, never>) => MaybeLater<T>,
): MaybeLater<T> {
  const headers = readBodyHeaders(req);
  const { length } = headers;
  if (length === 0 && !headers.isChunked) return use({});
  if (length > 0) requireType(headers, types);
  if (length > bytesMax) throw tooLarge(bytesMax);
  return readBytes({ bytesMax, onFirst: () => requireType(headers, types) }, (bytes) =>
    use(bytes.length === 0 ? {} : decode(bytes, parse)),
  );
}

/**
 * Requires what the headers tell of a body of lines: type `application/x-ndjson`, no compression,
 * at most `bytesMax`, and not nothing.
 */
export function requireLines(req: RequestHead, bytesMax: number): void {
  const headers = readBodyHeaders(req);
  if (headers.length === 0 && !headers.isChunked) throw noLine();
  if (!headers.isChunked) requireTypeOfLines(req);
  if (headers.length > bytesMax) throw tooLarge(bytesMax);
}

/** Of a chunked body only when its first line is there: without a byte it is no body. */
export function requireTypeOfLines(req: RequestHead): void {
  if (isOfType(readBodyHeaders(req), [linesMediaType])) return;
  const systemMessage = `Send ${linesMediaType} without a content encoding`;
  throw new FlowplateError('UNSUPPORTED_MEDIA_TYPE', { systemMessage });
}

/** Refusal of a body without a line. */
export function noLine(): FlowplateError {
  return validationError([{ path: '', message: 'has no line' }]);
}

/** Parses one line, as `readJsonBody` parses a body. */
export function parseLine(bytes: Buffer): unknown {
  return decode(bytes, parseSentJson);
}

type BodyHeaders = { length: number; isChunked: boolean; type: string; codings: readonly string[] };

const headerNames = ['content-length', 'transfer-encoding', 'content-type', 'content-encoding'] as const;

function readBodyHeaders({ rawHeaders }: RequestHead): BodyHeaders {
  const [[length = '0'] = [], transfer = [], [type = ''] = [], codings = []] = pickHeaders(
    rawHeaders,
    headerNames,
  );
  return { length: Number(length), isChunked: transfer.length > 0, type, codings };
}

function tooLarge(bytesMax: number): FlowplateError {
  const isStrangers = bytesMax === strangersBodyBytesMax;
  return new FlowplateError(
    'PAYLOAD_TOO_LARGE',
    isStrangers ? { systemMessage: 'An unauthenticated body has at most 8 KiB' } : {},
  );
}

function decode<T>(bytes: Buffer, parse: (text: string) => T): T {
  try {
    return parse(utf8.decode(bytes));
  } catch (cause) {
    throw cause instanceof FlowplateError ? cause : new FlowplateError('INVALID_JSON', { cause });
  }
}

function requireType(headers: BodyHeaders, types: readonly string[]): void {
  if (!isOfType(headers, types)) throw new FlowplateError('UNSUPPORTED_MEDIA_TYPE');
}

function isOfType(headers: BodyHeaders, types: readonly string[]): boolean {
  return types.includes(mediaTypeOf(headers)) && !isEncoded(headers);
}

/** Drops parameters: JSON is always UTF-8 (RFC 8259 §8.1). */
function mediaTypeOf({ type }: BodyHeaders): string {
  const [essence = ''] = type.split(';', 1);
  return essence.trim().toLowerCase();
}

/** Whether the body is compressed; `identity`, in any case, is not (RFC 9110 §8.4.1). */
function isEncoded({ codings }: BodyHeaders): boolean {
  const all = codings.flatMap((text) => text.toLowerCase().split(','));
  return all.some((coding) => !['', 'identity'].includes(coding.trim()));
}

/** Reads the body of an IncomingMessage. The rest of a body that was refused is discarded. */
export function streamReader(req: IncomingMessage): ReadBytes {
  return (limits, use) => readStream(req, limits, use);
}

/** Hands a body over that is already there. */
export function bytesReader(body: Buffer): ReadBytes {
  return ({ bytesMax, onFirst }, use) => {
    if (body.length > 0) onFirst();
    if (body.length > bytesMax) throw tooLarge(bytesMax);
    return use(body);
  };
}

function readStream<T>(
  req: IncomingMessage,
  { bytesMax, onFirst }: BodyLimits,
  use: (bytes: Buffer) => MaybeLater<T>,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const take = (chunk: Buffer) => {
      if (size === 0) onFirst();
      size += chunk.length;
      if (size > bytesMax) throw tooLarge(bytesMax);
      chunks.push(chunk);
    };
    const onData = (chunk: Buffer) => {
      try {
        take(chunk);
      } catch (error) {
        // Without `onEnd`: a body that was refused must not be carried out at its end.
        req.off('data', onData).off('end', onEnd).resume();
        reject(error);
      }
    };
    const onEnd = () => {
      try {
        resolve(use(chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks)));
      } catch (error) {
        reject(error);
      }
    };
    req.on('data', onData).on('end', onEnd);
    req.on('error', (cause) => reject(new FlowplateError('INVALID_JSON', { cause })));
  });
}
