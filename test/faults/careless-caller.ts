import type { Answer, Call } from '../support/call.ts';
import { organization } from '../support/key-calls.ts';

const keysPath = '/v1/flowplate/api-keys';
const owner = { user_id: 'careless', organization_id: organization };

/**
 * A caller who puts a secret wherever one can be put; none of it is a success that would hand it
 * back.
 */
export async function putEverywhere(call: Call, secret: string): Promise<Answer[]> {
  const post = (path: string, body: unknown, headers: Record<string, string> = {}) =>
    call(`POST ${path}`, { body, headers });
  const get = (path: string, headers: Record<string, string> = {}) => call(`GET ${path}`, { headers });
  const calls = [
    // in bodies
    () => post(keysPath, `{"user_id":"${secret}`),
    () => post(keysPath, secret, { 'content-type': 'text/plain' }),
    () => post(keysPath, { ...owner, user_id: `${secret} ` }),
    () => post(keysPath, { ...owner, name: `${secret}\n`, scopes: [`${secret} `], environment: secret }),
    () => post(keysPath, { ...owner, metadata: secret, ip_allowlist: [secret], expires_at: secret }),
    () => post(keysPath, { ...owner, metadata: { filler: secret + 'x'.repeat(70_000) } }),
    () => post(`${keysPath}/verify`, { key: `${secret} ` }),
    () => post(`${keysPath}/verify`, { key: secret, ip: secret, cost: secret }),
    () => post(`${keysPath}/verify/batch`, { keys: [secret] }),
    () => post(`${keysPath}/careless/${organization}/refresh`, { grace_period_seconds: secret }),
    () => post('/v1/flowplate/introspect', { token: secret }),
    () =>
      post('/v1/flowplate/introspect', `token=${secret}&token_type_hint=${secret}&x=${secret}`, {
        'content-type': 'application/x-www-form-urlencoded',
      }),
    // in headers
    () => call(`GET ${keysPath}`, { as: null, headers: { authorization: `Bearer ${secret}` } }),
    () => call(`GET ${keysPath}`, { as: `${secret}x` }),
    () => get(keysPath, { 'x-api-key': `${secret}x` }),
    () =>
      get('/v1/flowplate/nowhere', { cookie: `session=${secret}`, 'user-agent': secret, referer: secret }),
    () =>
      get('/v1/flowplate/nowhere', {
        accept: secret,
        traceparent: `00-${secret}-00`,
        'x-forwarded-for': secret,
      }),
    () =>
      get(keysPath, { traceparent: `00-${'1'.repeat(32)}-${'1'.repeat(16)}-01`, tracestate: `at=${secret}` }),
    () => post(keysPath, owner, { 'idempotency-key': secret.repeat(10) }),
    () => post(keysPath, {}, { 'idempotency-key': secret }),
    // in query strings
    () => get(`${keysPath}?user_id=${secret}%20`),
    () => get(`${keysPath}?cursor=${secret}&limit=${secret}&status=${secret}`),
    () => get(`/v1/flowplate/nowhere?key=${secret}`),
    // in paths
    () => get(`${keysPath}/${secret}`),
    () => get(`${keysPath}/${secret}/usage`),
    () => get(`/${secret}`),
    () => get(`${keysPath}/${secret}%ff`),
    () => call(`PUT ${keysPath}/${secret}`),
    () => call(`DELETE ${keysPath}/${secret}`),
    () => call(`DELETE ${keysPath}/user/${secret}`),
    () => call(`DELETE ${keysPath}/${secret}/${secret}`),
    () => post(`${keysPath}/${secret}/${secret}/refresh`, {}),
    // at the door of the gateways
    () =>
      call(`GET /v1/flowplate/authz/${secret}?token=${secret}`, { headers: { 'x-api-key': `${secret}x` } }),
    () =>
      call('GET /v1/flowplate/authz', { as: `${secret}x`, headers: { authorization: `Bearer ${secret}` } }),
  ];
  const answers: Answer[] = [];
  for (const send of calls) answers.push(await send());
  return answers;
}

/** All text of an answer, headers included. */
export function textOf({ status, headers, body }: Answer): string {
  return JSON.stringify([status, ...headers, body]);
}
