import type { IncomingMessage } from 'node:http';
import { parse as parseForm } from 'node:querystring';
import { FlowplateError } from '../domain/errors.ts';

export const bodyBytesMax = 64 * 1024;
const jsonType = /^application\/json\s*(;|$)/i;
const formType = /^application\/x-www-form-urlencoded\s*(;|$)/i;
const utf8 = new TextDecoder('utf-8', { fatal: true });

/**
 * The JSON body, read only once the caller is known; `{}` when none was sent. Bytes are decoded strictly, since a replacement
 * character in a stored value would be a silent change. The parser's own message is not passed on: it quotes the body.
 */
export async function readJsonBody(req: IncomingMessage): Promise<unknown> {
  return readBody(req, jsonType, (text) => JSON.parse(text));
}

/** The fields of a form, as RFC 7662 wants them; one that is sent twice arrives as a list, which no schema takes. */
export async function readFormBody(req: IncomingMessage): Promise<unknown> {
  return readBody(req, formType, (text) => ({ ...parseForm(text) }));
}

async function readBody(
  req: IncomingMessage,
  type: RegExp,
  parse: (text: string) => unknown,
): Promise<unknown> {
  if (!hasBody(req)) return {};
  requireType(req, type);
  if (Number(req.headers['content-length'] ?? 0) > bodyBytesMax)
    throw new FlowplateError('PAYLOAD_TOO_LARGE');
  const bytes = await readBytes(req);
  return bytes.length === 0 ? {} : decode(bytes, parse);
}

/** The value of a JSON body that has been read already. */
export function parseJsonBody(bytes: Buffer): unknown {
  return decode(bytes, (text) => JSON.parse(text));
}

function decode(bytes: Buffer, parse: (text: string) => unknown): unknown {
  try {
    return parse(utf8.decode(bytes));
  } catch (cause) {
    throw new FlowplateError('INVALID_JSON', { cause });
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
