import type { IncomingMessage } from 'node:http';
import { FlowplateError } from '../../domain/errors.ts';
import { pickHeaders } from '../../domain/pick-headers.ts';
import type { MasterKeyPrincipal } from '../../domain/principal.ts';
import type { Verdict } from '../../domain/verdict.ts';
import { AcceptedVerdict } from '../../verify/accepted-verdict.ts';
import type { AppParts } from '../app.ts';
import type { HttpExchange } from '../exchange.ts';
import { bodyBytesMax, parseJsonBody } from '../read-body.ts';
import { validate } from '../validate.ts';
import { verifyBody } from './verdict-schemas.ts';
import { verifyKeyRoute } from './verify-key.ts';
import { verifyOrExplain } from './verify-or-explain.ts';

const headerNames = [
  'content-type',
  'content-length',
  'accept',
  'x-request-id',
  'content-encoding',
  'transfer-encoding',
] as const;

const plainTypes: readonly string[] = ['application/json', 'application/json; charset=utf-8'];
const plainAccepts: readonly string[] = ['*/*', 'application/json'];

/** Header values that later steps need. */
export type PlainHeaders = { requestId: string | undefined };

/** Headers of a plain verification, as gateways send it; undefined for one that needs `serve`. */
export function readPlainHeaders(rawHeaders: readonly string[]): PlainHeaders | undefined {
  const [types = [], lengths = [], accepts = [], ids = [], ...codings] = pickHeaders(rawHeaders, headerNames);
  const length = lengths.length === 1 ? Number(lengths[0]) : 0;
  const isPlain =
    types.length === 1 &&
    plainTypes.includes(types[0] ?? '') &&
    length > 0 &&
    length <= bodyBytesMax &&
    accepts.every((accept) => plainAccepts.includes(accept)) &&
    ids.length <= 1 &&
    codings.every((values) => values.length === 0);
  return isPlain ? { requestId: ids[0] } : undefined;
}

/**
 * Steps of `serve` for a verification with plain headers, in the same order and with the same
 * rules. Without a promise when memory has the answer, and without `req.headers`, which Node builds
 * on first access. Errors go to `onFault`.
 */
export function verifyAtOnce(
  parts: AppParts,
  exchange: HttpExchange,
  onFault: (thrown: unknown) => void,
): void {
  const onAdmitted = (principal: MasterKeyPrincipal) => {
    readBytes(
      exchange.req,
      guarded((bytes) => answer(parts, exchange, principal, bytes, onFault), onFault),
      onFault,
    );
  };
  guarded(() => {
    const admitted = verifyKeyRoute.access.admit(parts, exchange, (known) => exchange.onPrincipal(known.id));
    if (admitted instanceof Promise) admitted.then(onAdmitted).catch(onFault);
    else onAdmitted(admitted);
  }, onFault)();
}

function answer(
  parts: AppParts,
  exchange: HttpExchange,
  principal: MasterKeyPrincipal,
  bytes: Buffer,
  onFault: (thrown: unknown) => void,
): void {
  const body = validate(verifyBody, parseJsonBody(bytes));
  const caller = { principal, requestId: exchange.requestId };
  const verdict = verifyOrExplain(parts, caller, body, 'verify');
  if (verdict instanceof Promise) verdict.then((later) => send(parts, exchange, later)).catch(onFault);
  else send(parts, exchange, verdict);
}

/** One flat list, which Node writes without building an object of headers. */
function send({ unknownKeyPace }: AppParts, { res, requestId }: HttpExchange, verdict: Verdict): void {
  const text = verdict instanceof AcceptedVerdict ? verdict.json : JSON.stringify(verdict);
  const length = Buffer.byteLength(text);
  res.writeHead(200, [
    'x-request-id',
    requestId,
    'Content-Type',
    'application/json; charset=utf-8',
    'Content-Length',
    String(length),
    'Cache-Control',
    'no-store',
  ]);
  if (!verdict.valid && verdict.code === 'NOT_FOUND') {
    unknownKeyPace.end(res, text);
    return;
  }
  // ASCII text has the same bytes in Latin-1, which is copied instead of encoded.
  res.end(text, length === text.length ? 'latin1' : 'utf8');
}

/** Reads the body; Node enforces the Content-Length. Errors after the full body are ignored. */
function readBytes(
  req: IncomingMessage,
  onBytes: (bytes: Buffer) => void,
  onFault: (thrown: unknown) => void,
): void {
  let bytes: Buffer | undefined;
  req.on('data', (chunk: Buffer) => {
    bytes = bytes === undefined ? chunk : Buffer.concat([bytes, chunk]);
  });
  let isRead = false;
  req.on('end', () => {
    isRead = true;
    onBytes(bytes ?? Buffer.alloc(0));
  });
  req.on('error', (cause) => {
    if (!isRead) onFault(new FlowplateError('INVALID_JSON', { cause }));
  });
}

function guarded<A extends unknown[]>(
  step: (...args: A) => void,
  onFault: (thrown: unknown) => void,
): (...args: A) => void {
  return (...args) => {
    try {
      step(...args);
    } catch (error) {
      onFault(error);
    }
  };
}
