import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { newApiKeySecret, newSecret } from '../../src/domain/key-format.ts';
import { endAll } from '../support/at-end.ts';
import { chosenSecret } from '../support/authenticator.ts';
import { type ClosedLoop, closedLoop } from '../support/closed-loop.ts';
import { type Deployment, deploy, type StartedApi } from '../support/deployment.ts';
import { eventually } from '../support/eventually.ts';
import { insisting } from '../support/insist.ts';
import { type KeyCalls, keyCalls, type Minted } from '../support/key-calls.ts';
import { type OwnPostgres, ownPostgres, ownRedis } from '../support/own-stores.ts';
import { query } from '../support/query.ts';

const coldKeys = 200;
const atOnce = 10;

let postgres: OwnPostgres;
let deployment: Deployment;
let api: StartedApi;
let keys: KeyCalls;

beforeAll(async () => {
  const [own, redis] = await Promise.all([ownPostgres(), ownRedis()]);
  postgres = own;
  const stores = { databaseUrl: postgres.databaseUrl, redisUrl: redis.current().url };
  // A chosen master key, so that every other secret is worth a hash.
  deployment = deploy(stores, {
    FLOWPLATE_MASTER_KEY: chosenSecret(),
    LEASE_MS: '3000',
    RECORDS_IN_MEMORY_MAX: '0',
    TRUSTED_PROXIES: '127.0.0.1',
  });
  api = await deployment.startApi();
  keys = keyCalls(api.call);
});

afterAll(endAll);

const post = (masterKey: string, key = 'x') => {
  const body = JSON.stringify({ key });
  const head = `POST /v1/flowplate/api-keys/verify HTTP/1.1\r\nHost: x\r\nx-flowplate-master-key: ${masterKey}\r\n`;
  return `${head}Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
};
const get = (path: string, header: string) => `GET ${path} HTTP/1.1\r\nHost: x\r\n${header}\r\n\r\n`;

/** A token that names a signing key which is not there. */
const madeUpToken = () => {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  return [
    part({ alg: 'EdDSA', typ: 'flowplate-session+jwt', kid: randomBytes(8).toString('hex') }),
    part({}),
    'AAAA',
  ].join('.');
};

type Flood = { name: string; connections: number; request: () => string; statuses: readonly string[] };

const floods: Flood[] = [
  {
    name: '1,500 connections with 48 random characters as master key',
    connections: 1_500,
    request: () => post(randomBytes(36).toString('base64')),
    statuses: ['401', '429'],
  },
  {
    name: '1,500 connections with made-up master keys',
    connections: 1_500,
    request: () => post(newSecret('master', 'test', randomBytes)),
    statuses: ['401'],
  },
  {
    name: 'made-up user keys through an honest gateway',
    connections: 300,
    request: () => post(deployment.masterKey, newSecret('user', 'test', randomBytes)),
    statuses: ['200'],
  },
  {
    name: '500 connections with made-up keys of tenants',
    connections: 500,
    request: () => get('/api/v1/apikeys', `x-api-key: ${newApiKeySecret('tenant', randomBytes)}`),
    statuses: ['401'],
  },
  {
    name: '500 connections with made-up tokens',
    connections: 500,
    request: () => get('/api/v1/platform/users', `authorization: Bearer ${madeUpToken()}`),
    statuses: ['401'],
  },
  {
    name: '500 connections that ask whether anybody can log in',
    connections: 500,
    request: () => get('/api/v1/platform/session', 'accept: */*'),
    statuses: ['200'],
  },
];

describe('beside a flood', () => {
  test.each(floods)(
    'of $name, keys that no cache has are verified and minted, and nobody gets 503',
    async (flood) => {
      const cold: Minted[] = [];
      const { mint } = keyCalls(insisting(api.call));
      for (let count = 0; count < coldKeys; count++) cold.push(await mint());
      const loop = await begin(flood);
      try {
        while (cold.length > 0) {
          const answers = await Promise.all(cold.splice(0, atOnce).map(({ key }) => keys.verify(key)));
          for (const { status, body } of answers) expect([status, body.code]).toEqual([200, 'VALID']);
          await sleep(50);
        }
        expect(await keys.codeOf((await keys.mint()).key)).toBe('VALID');
        const ready = await api.call('GET /health/ready');
        expect([ready.status, ready.body.status]).toEqual([200, 'ready']);
      } finally {
        loop.end();
      }
      expect(flood.statuses).toEqual(expect.arrayContaining([...loop.statuses.keys()]));
    },
  );
});

/** Under way: as many have been answered as there are connections. */
async function begin(flood: Flood, at = api): Promise<ClosedLoop> {
  const loop = closedLoop(at.port, flood.request, flood.connections);
  await eventually(
    20_000,
    () => loop.answers,
    (count) => count >= flood.connections,
  );
  return loop;
}

test('without a lease, a chosen master key that was recognised is let in every time', async () => {
  const { key } = await keys.mint();
  await setReadOnly('on');
  try {
    await eventually(10_000, leaseState, (state) => state === 'lapsed');
    const answers = await Promise.all(Array.from({ length: 200 }, () => keys.verify(key)));
    expect(answers.map(({ status, body }) => `${status} ${body.code}`)).toEqual(Array(200).fill('200 VALID'));
  } finally {
    await setReadOnly('off');
  }
  await eventually(10_000, leaseState, (state) => state === 'held');
});

test('after a restart, strangers from one address do not lock out a chosen master key from another', async () => {
  const { key } = await keys.mint();
  const restarted = await deployment.startApi();
  const request = () =>
    post(randomBytes(36).toString('base64')).replace('\r\n', '\r\nX-Forwarded-For: 198.51.100.7\r\n');
  const flood = { name: 'random', connections: 1_000, request, statuses: [] };
  const loop = await begin(flood, restarted);
  const answer = await restarted.call('POST /v1/flowplate/api-keys/verify', {
    body: { key },
    headers: { 'x-forwarded-for': '192.0.2.1' },
  });
  loop.end();
  expect([answer.status, answer.body.code]).toEqual([200, 'VALID']);
});

async function leaseState(): Promise<string> {
  return (await api.call('GET /health/ready')).body.checks.lease;
}

async function setReadOnly(state: 'on' | 'off'): Promise<void> {
  await query(postgres.adminUrl, `ALTER SYSTEM SET default_transaction_read_only = ${state}`);
  await query(postgres.adminUrl, 'SELECT pg_reload_conf()');
}
