import type { IncomingMessage } from 'node:http';
import { parse as parseForm } from 'node:querystring';
import { FlowplateError } from '../domain/errors.ts';
import { parseSentJson } from './parse-sent-json.ts';

export const bodyBytesMax = 64 * 1024;
const jsonType = /^application\/json\s*(;|$)/i;
const formType = /^application\/x-www-form-urlencoded\s*(;|$)/i;
const utf8 = new TextDecoder('utf-8', { fatal: true });

/**
 * The JSON body, read only once the caller is known; `{}` when none was sent. Bytes are decoded strictly, since a replacement
 * character in a stored value would be a silent change, as a lost member or another number would be (parse-sent-json.ts). The
 * parser's own message is not passed on: it quotes the body.
 */
export async function readJsonBody(req: IncomingMessage): Promise<unknown> {
  return readBody<unknown>(req, jsonType, parseSentJson);
}

export type FormMembers = Readonly<Record<string, string>>;

/**
 * The members of a form body (RFC 6749 appendix B). One that is sent twice is `INVALID_JSON`, for
 * RFC 6749 §3.1 forbids it: of two values each reader may take the other one.
 */
export async function readFormBody(req: IncomingMessage): Promise<FormMembers> {
  const members = await readBody(req, formType, (text) => ({ ...parseForm(text, '&', '=', { maxKeys: 0 }) }));
  if (Object.values(members).some((value) => typeof value !== 'string')) {
    throw new FlowplateError('INVALID_JSON', { systemMessage: 'A form member was sent more than once' });
  }
  return members as FormMembers;
}

async function readBody<T>(
  req: IncomingMessage,
  type: RegExp,
  parse: (text: string) => T,
): Promise<T | Record<string, never>> {
  if (!hasBody(req)) return {};
  requireType(req, type);
  if (Number(req.headers['content-length'] ?? 0) > bodyBytesMax)
    throw new FlowplateError('PAYLOAD_TOO_LARGE');
  const bytes = await readBytes(req);
  return bytes.length === 0 ? {} : decode(bytes, parse);
}

/** The value of a JSON body that has been read already. */
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

function hasBody({ headers }: IncomingMessage): boolean {
  const length = headers['content-length'];
  return headers['transfer-encoding'] !== undefined || (length !== undefined && length !== '0');
}

function requireType({ headers }: IncomingMessage, type: RegExp): void {
  const encoding = headers['content-encoding'] ?? 'identity';
  if (!type.test(headers['content-type'] ?? '') || encoding !== 'identity') {
    throw new FlowplateError('UNSUPPORTED_MEDIA_TYPE');
  }
}

/** What comes after the bound is thrown away unread; the answer then closes the connection (problem.ts). */
function readBytes(req: IncomingMessage): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    req.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > bodyBytesMax) {
        req.removeAllListeners('data');
        req.resume();
        reject(new FlowplateError('PAYLOAD_TOO_LARGE'));
      } else {
        chunks.push(chunk);
      }
    });
    req.on('end', () =>
      resolve(chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks)),
    );
    req.on('error', (cause) => reject(new FlowplateError('INVALID_JSON', { cause })));
  });
}
