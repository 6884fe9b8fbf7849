import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { refusals } from '../../../src/domain/forward-auth/refusals.ts';
import type { RefusedCode } from '../../../src/domain/verdict.ts';
import { type AppParts, createApp } from '../../../src/http/app.ts';
import { requestIdFrom } from '../../../src/http/request-context.ts';
import { toOriginForm } from '../../../src/http/request-target.ts';
import { verifyKey } from '../../../src/verify/verify-key.ts';

/**
 * The same API without a parser of its own: JSON verify goes through Express like every other
 * route, and forward auth is read from what Node's parser made of the headers.
 */
export function createReferenceServer(parts: AppParts): Server {
  const app = createApp(parts);
  return createServer({ maxHeaderSize: 16_384 }, (req, res) => {
    toOriginForm(req);
    if (isAuthorize(req)) void authorize(parts, req, res);
    else app(req, res);
  });
}

function isAuthorize({ url = '', headersDistinct }: IncomingMessage): boolean {
  return /^\/v1\/flowplate\/authz(?:[/?]|$)/.test(url) && (headersDistinct.host?.length ?? 0) <= 1;
}

async function authorize(parts: AppParts, req: IncomingMessage, res: ServerResponse): Promise<void> {
  const outcome = await decide(parts, req);
  const requestId = requestIdFrom(req.headersDistinct['x-request-id']?.[0], parts.newRequestId);
  res.setHeader('x-request-id', requestId);
  if (hasBody(req)) res.setHeader('Connection', 'close');
  if (typeof outcome === 'object') {
    res.setHeader('x-flowplate-key-id', outcome.keyId);
    res.end();
    return;
  }
  const { status, code } = refusals[outcome];
  if (code !== undefined) res.setHeader('x-flowplate-code', code);
  res.statusCode = status;
  res.end();
}

type Refusal = keyof typeof refusals;

async function decide(parts: AppParts, req: IncomingMessage): Promise<{ keyId: string } | Refusal> {
  const headers = req.headersDistinct;
  const masterKey = single(headers['x-flowplate-master-key']);
  const address = () => parts.readAddress(req);
  const gateway = masterKey === undefined ? undefined : await parts.masterKeys.identify(masterKey, address);
  if (gateway === undefined) return 'GATEWAY_UNKNOWN';
  if (!gateway.permissions.includes('keys:verify')) return 'GATEWAY_FORBIDDEN';
  const keys = keysOf(headers);
  const [key] = keys;
  if (key === undefined) return 'NO_CREDENTIALS';
  if (keys.size > 1 || key.includes(',')) return 'AMBIGUOUS';
  const verdict = await verifyKey(parts.verify, gateway, {
    key,
    scopes: wordsOf(headers['x-flowplate-required-scopes']),
    organizationId: demand(headers['x-flowplate-required-organization']),
    environment: demand(headers['x-flowplate-required-environment']),
    ip: headers['x-forwarded-for']?.at(-1)?.split(',').at(-1),
  });
  return verdict.valid ? { keyId: verdict.key_id } : (verdict.code as RefusedCode);
}

type Headers = IncomingMessage['headersDistinct'];

/** Empty values count as not sent, equal ones as one. */
function single(values: string[] = []): string | undefined {
  const distinct = new Set(values.filter((value) => value !== ''));
  return distinct.size === 1 ? [...distinct][0] : undefined;
}

/** Of RFC 6750's scheme and of X-API-Key; other schemes are somebody else's. */
function keysOf(headers: Headers): Set<string> {
  const apiKeys = (headers['x-api-key'] ?? []).filter((value) => value !== '');
  const bearers = (headers.authorization ?? []).flatMap((value) => {
    const [scheme = '', ...rest] = value.split(' ').filter((word) => word !== '');
    if (scheme.toLowerCase() !== 'bearer') return [];
    return rest.length === 1 && !/\s/.test(rest[0] ?? '') ? rest : [''];
  });
  return new Set([...apiKeys, ...bearers]);
}

function wordsOf(values: string[] | undefined): string[] | undefined {
  const words = (values ?? [])
    .join(' ')
    .split(/[\s,]+/)
    .filter((word) => word !== '');
  return words.length === 0 ? undefined : words;
}

/** All demands must be met, and a key has one organization and one environment. */
function demand(values: string[] | undefined): string | undefined {
  const words = new Set(wordsOf(values));
  return words.size > 1 ? [...words].join(' ') : [...words][0];
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0';
}
