import { readFileSync } from 'node:fs';

/**
 * What a load consists of, in words that travel to the process that sends it. `verify` takes the first `count` keys of a file with
 * one in each line: each of them once and then evenly at random (a warm-up of `count` answers has then seen every key), or each
 * of them only once.
 */
export type RequestPlan =
  | { kind: 'verify'; masterKey: string; keysFile: string; count: number; draw: 'evenly' | 'once' }
  | { kind: 'mint'; masterKey: string; organizations: number; label: string }
  | { kind: 'revoke'; masterKey: string; keyIds: readonly string[] };

export type RequestSource = {
  next(): string;
  /** What a right answer has: everything else stops the measurement, so that errors never pass for speed. */
  status: number;
  mark: Buffer;
};

export function requestSource(plan: RequestPlan): RequestSource {
  if (plan.kind === 'verify') return verifyRequests(plan);
  return plan.kind === 'mint' ? mintRequests(plan) : revokeRequests(plan);
}

function verifyRequests(plan: Extract<RequestPlan, { kind: 'verify' }>): RequestSource {
  const keys = readFileSync(plan.keysFile, 'utf8').trimEnd().split('\n').slice(0, plan.count);
  let drawn = 0;
  const draw = () => {
    if (drawn < keys.length) return keys[drawn++];
    if (plan.draw === 'once') throw new Error(`All ${keys.length} keys have been asked for once`);
    return keys[Math.floor(Math.random() * keys.length)];
  };
  const post = poster('/v1/flowplate/api-keys/verify', plan.masterKey);
  return { next: () => post(`{"key":"${draw()}"}`), status: 200, mark: Buffer.from('"valid":true') };
}

function mintRequests(plan: Extract<RequestPlan, { kind: 'mint' }>): RequestSource {
  let count = 0;
  const post = poster('/v1/flowplate/api-keys', plan.masterKey);
  const next = () => {
    const user = `${plan.label}-${count++}`;
    return post(`{"user_id":"${user}","organization_id":"org_${count % plan.organizations}"}`);
  };
  return { next, status: 201, mark: Buffer.from('"key":"') };
}

function revokeRequests(plan: Extract<RequestPlan, { kind: 'revoke' }>): RequestSource {
  let count = 0;
  const next = () => {
    const keyId = plan.keyIds[count++];
    if (keyId === undefined) throw new Error('All keys have been revoked');
    return `DELETE /v1/flowplate/api-keys/${keyId} HTTP/1.1\r\nHost: bench\r\nX-Flowplate-Master-Key: ${plan.masterKey}\r\n\r\n`;
  };
  return { next, status: 200, mark: Buffer.from('"revoked_count":1') };
}

function poster(path: string, masterKey: string): (body: string) => string {
  const head = `POST ${path} HTTP/1.1\r\nHost: bench\r\nX-Flowplate-Master-Key: ${masterKey}\r\nContent-Type: application/json\r\nContent-Length: `;
  return (body) => `${head}${body.length}\r\n\r\n${body}`;
}
