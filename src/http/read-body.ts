import type { IncomingMessage } from 'node:http';
import { type ParsedUrlQuery, parse as parseForm } from 'node:querystring';
import { FlowplateError } from '../domain/errors.ts';
import { parseSentJson } from './parse-sent-json.ts';

export const bodyBytesMax = 64 * 1024;
/**
 * Size limit for unauthenticated callers. An address and a password with every character escaped
 * have 7.7 KB. Parsing 64 KiB takes up to 10 ms of the event loop.
 */
export const strangersBodyBytesMax = 8 * 1024;
const jsonType = 'application/json';
const formType = 'application/x-www-form-urlencoded';
const mergePatchType = 'application/merge-patch+json';
/** Types accepted by a PATCH. A 415 lists them in `Accept-Patch` (RFC 5789 §2.2). */
export const patchTypes: readonly string[] = [jsonType, mergePatchType];
const utf8 = new TextDecoder('utf-8', { fatal: true });

/**
 * Reads the JSON body, only after authentication; `{}` when none was sent. Strict UTF-8: a
 * replacement character would silently change a value. The parser's own message is not passed on,
 * because it quotes the body.
 */
export async function readJsonBody(req: IncomingMessage, bytesMax: number): Promise<unknown> {
  return readBody<unknown>(req, [jsonType], bytesMax, parseSentJson);
}

/** Like `readJsonBody`, for a PATCH, which may also be a JSON merge patch (RFC 7396). */
export async function readPatchBody(req: IncomingMessage, bytesMax: number): Promise<unknown> {
  return readBody<unknown>(req, patchTypes, bytesMax, parseSentJson);
}

export function isMergePatch(req: IncomingMessage): boolean {
  return mediaTypeOf(req) === mergePatchType;
}

export type FormMembers = Readonly<Record<string, string>>;

/**
 * Members of a form body (RFC 6749 appendix B). A duplicate is `INVALID_JSON` (RFC 6749 §3.1),
 * since readers may differ in which value they take.
 */
export async function readFormBody(
  req: IncomingMessage,
  membersMax = Number.POSITIVE_INFINITY,
): Promise<FormMembers> {
  const members = await readBody(req, [formType], bodyBytesMax, (text) => parseMembers(text, membersMax));
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
async function readBody<T>(
  req: IncomingMessage,
  types: readonly string[],
  bytesMax: number,
  parse: (text: string) => T,
): Promise<T | Record<string, never>> {
  const { 'content-length': length = '0', 'transfer-encoding': coding } = req.headers;
  if (Number(length) === 0 && coding === undefined) return {};
  if (Number(length) > 0) requireType(req, types);
  if (Number(length) > bytesMax) throw tooLarge(bytesMax);
  const bytes = await readBytes(req, bytesMax, () => requireType(req, types));
  return bytes.length === 0 ? {} : decode(bytes, parse);
}

function tooLarge(bytesMax: number): FlowplateError {
  const isStrangers = bytesMax === strangersBodyBytesMax;
  return new FlowplateError(
    'PAYLOAD_TOO_LARGE',
    isStrangers ? { systemMessage: 'An unauthenticated body has at most 8 KiB' } : {},
  );
}

/** Parses a JSON body that was read already. */
export function parseJsonBody(bytes: Buffer): unknown {
  return decode(bytes, parseSentJson);
}

function decode<T>(bytes: Buffer, parse: (text: string) => T): T {
  try {
    return parse(utf8.decode(bytes));
  } catch (cause) {
    throw cause instanceof FlowplateError ? cause : new FlowplateError('INVALID_JSON', { cause });
  }
}

function requireType(req: IncomingMessage, types: readonly string[]): void {
  if (!types.includes(mediaTypeOf(req)) || isEncoded(req)) {
    throw new FlowplateError('UNSUPPORTED_MEDIA_TYPE');
  }
}

/** Drops parameters: JSON is always UTF-8 (RFC 8259 §8.1). */
function mediaTypeOf({ headers }: IncomingMessage): string {
  const [type = ''] = (headers['content-type'] ?? '').split(';', 1);
  return type.trim().toLowerCase();
}

/** Whether the body is compressed; `identity`, in any case, is not (RFC 9110 §8.4.1). */
function isEncoded({ headers }: IncomingMessage): boolean {
  const codings = (headers['content-encoding'] ?? '').toLowerCase().split(',');
  return codings.some((coding) => !['', 'identity'].includes(coding.trim()));
}

/**
 * Reads the whole body. Stops at the first byte when `onFirst` throws, and at the size limit; the
 * rest is discarded.
 */
function readBytes(req: IncomingMessage, bytesMax: number, onFirst: () => void): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const take = (chunk: Buffer) => {
      if (size === 0) onFirst();
      size += chunk.length;
      if (size > bytesMax) throw tooLarge(bytesMax);
      chunks.push(chunk);
    };
    req.on('data', (chunk: Buffer) => {
      try {
        take(chunk);
      } catch (error) {
        req.removeAllListeners('data');
        req.resume();
        reject(error);
      }
    });
    req.on('end', () =>
      resolve(chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks)),
    );
    req.on('error', (cause) => reject(new FlowplateError('INVALID_JSON', { cause })));
  });
}
