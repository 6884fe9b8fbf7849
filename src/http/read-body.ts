import express, { type Request, type Response } from 'express';
import { FlowplateError } from '../domain/errors.ts';

const bodyBytesMax = 64 * 1024;

const readRaw = express.raw({ limit: bodyBytesMax, type: () => true, inflate: false });
const utf8 = new TextDecoder('utf-8', { fatal: true });

/**
 * The JSON body, read only once the caller is known; `{}` when none was sent. Bytes are decoded strictly, since a replacement
 * character in a stored value would be a silent change. The parser's own message is not passed on: it quotes the body.
 */
export async function readJsonBody(req: Request, res: Response): Promise<unknown> {
  if (!hasBody(req)) return {};
  if (!req.is('application/json')) throw new FlowplateError('UNSUPPORTED_MEDIA_TYPE');
  const bytes = await readBytes(req, res);
  if (bytes.length === 0) return {};
  try {
    return JSON.parse(utf8.decode(bytes));
  } catch (cause) {
    throw new FlowplateError('INVALID_JSON', { cause });
  }
}

function hasBody(req: Request): boolean {
  const length = req.headers['content-length'];
  return req.headers['transfer-encoding'] !== undefined || (length !== undefined && length !== '0');
}

function readBytes(req: Request, res: Response): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    readRaw(req, res, (fault?: unknown) => {
      if (fault === undefined) resolve(Buffer.isBuffer(req.body) ? req.body : Buffer.alloc(0));
      else reject(toFlowplateError(fault));
    });
  });
}

/** `type` is body-parser's own name for what went wrong (its README, "Errors"). */
function toFlowplateError(fault: unknown): FlowplateError {
  const type = fault instanceof Error && 'type' in fault ? fault.type : undefined;
  if (type === 'entity.too.large') return new FlowplateError('PAYLOAD_TOO_LARGE', { cause: fault });
  if (type === 'encoding.unsupported') return new FlowplateError('UNSUPPORTED_MEDIA_TYPE', { cause: fault });
  return new FlowplateError('INVALID_JSON', { cause: fault });
}
