import type { IncomingMessage } from 'node:http';
import { FlowplateError } from '../domain/errors.ts';

const bodyBytesMax = 64 * 1024;
const jsonType = /^application\/json\s*(;|$)/i;
const utf8 = new TextDecoder('utf-8', { fatal: true });

/**
 * The JSON body, read only once the caller is known; `{}` when none was sent. Bytes are decoded strictly, since a replacement
 * character in a stored value would be a silent change. The parser's own message is not passed on: it quotes the body.
 */
export async function readJsonBody(req: IncomingMessage): Promise<unknown> {
  if (!hasBody(req)) return {};
  requireJson(req);
  const bytes = await readBytes(req);
  if (bytes.length === 0) return {};
  try {
    return JSON.parse(utf8.decode(bytes));
  } catch (cause) {
    throw new FlowplateError('INVALID_JSON', { cause });
  }
}

function hasBody({ headers }: IncomingMessage): boolean {
  const length = headers['content-length'];
  return headers['transfer-encoding'] !== undefined || (length !== undefined && length !== '0');
}

function requireJson({ headers }: IncomingMessage): void {
  const encoding = headers['content-encoding'] ?? 'identity';
  if (!jsonType.test(headers['content-type'] ?? '') || encoding !== 'identity') {
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
