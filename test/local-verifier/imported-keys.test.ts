import { createHash } from 'node:crypto';
import bcrypt from 'bcryptjs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { doorPath } from '../http/verify/door.ts';
import { type Embedded, embedHoldingLease } from '../sdk/embedded.ts';
import { endAll } from '../support/at-end.ts';
import { startBroker, type TestBroker } from '../support/broker.ts';
import { eventually } from '../support/eventually.ts';
import { keysPath, newOwner, revoke, verify } from '../support/keys.ts';
import { readLines, toLines } from '../support/lines.ts';
import {
  type StartedLocalVerifier,
  startLocalVerifier,
  untilLeaseIsHeld,
} from '../support/local-verifier.ts';
import { exchange } from './exchange.ts';

const env = { FOREIGN_KEY_PATTERNS: 'acme_:base62:32' };

let broker: TestBroker;
let local: StartedLocalVerifier;
let embedded: Embedded;
beforeAll(async () => {
  broker = await startBroker(env);
  local = await startLocalVerifier({ brokers: [broker.url], masterKey: broker.masterKey });
  await untilLeaseIsHeld(local);
  embedded = await embedHoldingLease(broker);
});
afterAll(async () => {
  await endAll();
  await broker.close();
});

const digest = (key: string) => createHash('sha256').update(key);
const keyOf = (name: string) => `acme_${name.padEnd(32, 'x')}`;

/** Every way in which a gateway asks, by name. */
const ways: Record<string, (key: string) => Promise<boolean>> = {
  'JSON to the API': async (key) => (await verify(broker, key)).valid,
  'forward auth of the API': (key) => isLetThrough(broker.url, key),
  'forward auth of the local verifier': (key) => isLetThrough(local.url, key),
  'the verifier in a gateway': async (key) => (await embedded.verify({ key })).valid,
};

/** A busy machine may miss the deadline of forward auth. */
async function isLetThrough(url: string, key: string): Promise<boolean> {
  const headers = [
    ['x-flowplate-master-key', broker.masterKey],
    ['x-api-key', key],
  ] as const;
  const { status } = await eventually(
    10_000,
    () => exchange({ url }, { path: doorPath, headers }),
    (answer) => answer.status !== 503,
  );
  expect([200, 401]).toContain(status);
  return status === 200;
}

async function answersTo(key: string): Promise<Record<string, boolean>> {
  const answers: Record<string, boolean> = {};
  for (const [name, ask] of Object.entries(ways)) answers[name] = await ask(key);
  return answers;
}

const allSay = (answer: boolean) => Object.fromEntries(Object.keys(ways).map((name) => [name, answer]));

test.each<[string, (key: string) => object | Promise<object>]>([
  ['sha256 in hex', (key) => ({ algorithm: 'sha256', hash: digest(key).digest('hex') })],
  [
    'sha256 in base64url without padding',
    (key) => ({ algorithm: 'sha256', hash: digest(key).digest('base64url') }),
  ],
  [
    'bcrypt',
    async (key) => ({ algorithm: 'bcrypt', hash: await bcrypt.hash(key, 4), lookup: key.slice(0, 9) }),
  ],
])('a key imported as %s is good in every way a gateway asks, until it is revoked', async (name, lineOf) => {
  const key = keyOf(name.replaceAll(/[^a-z0-9]/g, '').slice(-9));
  const wrong = `${key.slice(0, -1)}y`;
  const line = { ...newOwner(), ...(await lineOf(key)) };
  const imported = await broker.call(`POST ${keysPath}/import`, {
    body: toLines([line]),
    headers: { 'content-type': 'application/x-ndjson' },
  });
  const [answer] = readLines(imported.body);
  expect(answer).toMatchObject({ status: 'imported' });
  // The local verifier and the embedded one come first: the broker has not digested the key again.
  for (const way of Object.keys(ways).reverse()) expect(await ways[way]?.(wrong), way).toBe(false);
  for (const way of Object.keys(ways).reverse()) expect(await ways[way]?.(key), way).toBe(true);
  expect(await answersTo(key)).toEqual(allSay(true));
  expect((await revoke(broker, answer.key_id)).status).toBe(200);
  expect(await answersTo(key)).toEqual(allSay(false));
});
