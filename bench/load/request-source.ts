import { randomBytes } from 'node:crypto';
import { newSecret } from '../../src/domain/key-format.ts';
import { type KeyDraw, keyDrawer } from './key-draw.ts';

/** Serialisable description of a load. */
export type RequestPlan =
  /** `verdict`: the expected one; VALID by default. */
  | ({ kind: 'verify'; masterKey: string; verdict?: 'NOT_FOUND' } & KeyDraw)
  /** `isBare`: the target answers everything with an empty 200, without identity headers. */
  | ({ kind: 'authorize'; masterKey: string; isBare: boolean; sender: Sender } & KeyDraw)
  /** Requests of a client to a gateway in front of an application. */
  | ({ kind: 'page' } & KeyDraw)
  /** Unauthenticated callers: 48 random characters as master key, or a well-formed made-up one. */
  | { kind: 'strangers'; secret: 'random' | 'made up' }
  | { kind: 'mint'; masterKey: string; organizations: number; label: string }
  | { kind: 'revoke'; masterKey: string; keyIds: readonly string[] };

/** `nginx`: with the headers that its `auth_request` of docs/gateways.md sends for a browser. */
export type Sender = 'minimal' | 'nginx' | 'bearer' | 'demanding' | 'demanding in vain';

export type RequestSource = {
  next(): string;
  /**
   * Requirements of a correct answer. Others count as wrong, so that errors never pass for speed.
   */
  statuses: readonly number[];
  mark: Buffer;
};

export function requestSource(plan: RequestPlan): RequestSource {
  switch (plan.kind) {
    case 'verify':
      return verifyRequests(plan);
    case 'authorize':
      return authorizeRequests(plan);
    case 'page':
      return pageRequests(plan);
    case 'strangers':
      return strangerRequests(plan);
    case 'mint':
      return mintRequests(plan);
    case 'revoke':
      return revokeRequests(plan);
  }
}

function verifyRequests(plan: Extract<RequestPlan, { kind: 'verify' }>): RequestSource {
  const draw = keyDrawer(plan);
  const verify = verifyRequest(plan.masterKey);
  const mark = plan.verdict === undefined ? '"valid":true' : `"code":"${plan.verdict}"`;
  return { next: () => verify(draw()), statuses: [200], mark: Buffer.from(mark) };
}

function authorizeRequests(plan: Extract<RequestPlan, { kind: 'authorize' }>): RequestSource {
  const draw = keyDrawer(plan);
  const { line, headers, key } = asSentBy[plan.sender];
  const head = `${line} HTTP/1.1\r\nHost: bench\r\nX-Flowplate-Master-Key: ${plan.masterKey}\r\n${headers}${key}`;
  const next = () => `${head}${draw()}\r\n\r\n`;
  if (isRefused(plan)) return { next, statuses: [403], mark: Buffer.from('x-flowplate-code: forbidden') };
  const mark = plan.isBare ? 'Content-Length: 0' : 'x-flowplate-user-id: ';
  return { next, statuses: [200], mark: Buffer.from(mark) };
}

function pageRequests(plan: Extract<RequestPlan, { kind: 'page' }>): RequestSource {
  const draw = keyDrawer(plan);
  const next = () =>
    `GET / HTTP/1.1\r\nHost: app.example.com\r\nUser-Agent: okhttp/4.12\r\nAccept: */*\r\nAccept-Encoding: gzip\r\nX-API-Key: ${draw()}\r\n\r\n`;
  return { next, statuses: [200], mark: Buffer.from('image/gif') };
}

/** Whether a correct answer is a refusal, which is no accepted call. */
export function isRefused(plan: RequestPlan): boolean {
  return plan.kind === 'authorize' && plan.sender === 'demanding in vain';
}

const authz = 'GET /v1/flowplate/authz';

const asSentBy: Record<Sender, { line: string; headers: string; key: string }> = {
  minimal: { line: authz, headers: '', key: 'X-API-Key: ' },
  bearer: { line: authz, headers: '', key: 'Authorization: Bearer ' },
  demanding: { line: authz, headers: 'X-Flowplate-Required-Environment: prod\r\n', key: 'X-API-Key: ' },
  'demanding in vain': {
    line: authz,
    headers: 'X-Flowplate-Required-Scopes: orders:write\r\n',
    key: 'X-API-Key: ',
  },
  nginx: {
    line: `${authz}?deny=403`,
    key: 'X-API-Key: ',
    headers: [
      'X-Forwarded-Method: GET',
      'X-Forwarded-Uri: /api/orders?limit=20&cursor=eyJpZCI6MTIzNDV9',
      'X-Forwarded-Host: shop.example.com',
      'X-Forwarded-For: 203.0.113.20',
      'User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0',
      'Accept: application/json, text/plain, */*',
      'Accept-Language: en-US,en;q=0.5',
      'Accept-Encoding: gzip, deflate, br, zstd',
      'Referer: https://shop.example.com/orders',
      '',
    ].join('\r\n'),
  },
};

/** Refused as unknown, or turned away during hashing; a 503 would be wrong. */
function strangerRequests({ secret }: Extract<RequestPlan, { kind: 'strangers' }>): RequestSource {
  const make = () =>
    secret === 'random' ? randomBytes(36).toString('base64') : newSecret('master', 'prod', randomBytes);
  const next = () => verifyRequest(make())('fl_user_prod_x');
  return { next, statuses: [401, 429], mark: Buffer.from('"success":false') };
}

function mintRequests(plan: Extract<RequestPlan, { kind: 'mint' }>): RequestSource {
  let count = 0;
  const post = poster('/v1/flowplate/api-keys', plan.masterKey);
  const next = () => {
    const user = `${plan.label}-${count++}`;
    return post(`{"user_id":"${user}","organization_id":"org_${count % plan.organizations}"}`);
  };
  return { next, statuses: [201], mark: Buffer.from('"key":"') };
}

function revokeRequests(plan: Extract<RequestPlan, { kind: 'revoke' }>): RequestSource {
  let count = 0;
  const next = () => {
    const keyId = plan.keyIds[count++];
    if (keyId === undefined) throw new Error('All keys have been revoked');
    return revokeRequest(plan.masterKey, keyId);
  };
  return { next, statuses: [200], mark: Buffer.from('"revoked_count":1') };
}

export function verifyRequest(masterKey: string): (key: string) => string {
  const post = poster('/v1/flowplate/api-keys/verify', masterKey);
  return (key) => post(`{"key":"${key}"}`);
}

export function revokeRequest(masterKey: string, keyId: string): string {
  return `DELETE /v1/flowplate/api-keys/${keyId} HTTP/1.1\r\nHost: bench\r\nX-Flowplate-Master-Key: ${masterKey}\r\n\r\n`;
}

function poster(path: string, masterKey: string): (body: string) => string {
  const head = `POST ${path} HTTP/1.1\r\nHost: bench\r\nX-Flowplate-Master-Key: ${masterKey}\r\nContent-Type: application/json\r\nContent-Length: `;
  return (body) => `${head}${body.length}\r\n\r\n${body}`;
}
