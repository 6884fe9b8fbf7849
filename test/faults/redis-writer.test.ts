import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import type { Redis } from 'ioredis';
import { afterAll, beforeAll, beforeEach, expect, inject, test } from 'vitest';
import { newSecret } from '../../src/domain/key-format.ts';
import { type PackedRecord, packRecord, unpackRecord } from '../../src/stores/redis/record-codec.ts';
import { atEnd, endAll } from '../support/at-end.ts';
import { cloneDatabase } from '../support/database.ts';
import { type Deployment, deploy, type StartedApi } from '../support/deployment.ts';
import { editSource } from '../support/edited-source.ts';
import { eventually } from '../support/eventually.ts';
import { type KeyCalls, keyCalls } from '../support/key-calls.ts';
import { ownRedis } from '../support/own-stores.ts';
import { logLines } from '../support/processes.ts';
import { readyRedis } from '../support/stores.ts';

/** An attacker who may write to Redis, and look at all that goes through it. */
let redisUrl: string;
let redis: Redis;
let deployment: Deployment;
let api: StartedApi;
let keys: KeyCalls;

beforeAll(async () => {
  const database = await cloneDatabase(inject('postgresUrl'));
  atEnd(() => database.drop());
  redisUrl = (await ownRedis()).current().url;
  redis = await readyRedis(redisUrl);
  atEnd(() => redis.disconnect());
  // No memory for records, so that Redis is asked each time.
  deployment = deploy({ databaseUrl: database.url, redisUrl }, { RECORDS_IN_MEMORY_MAX: '0' });
  api = await deployment.startApi();
  keys = keyCalls(api.call);
});

afterAll(endAll);
beforeEach(() => redis.flushall());

/**
 * The name under which the record of a presented key is looked for: somebody who listens on Redis
 * sees it.
 */
async function nameOf(key: string): Promise<Buffer> {
  const listener = await listen();
  // Not at the first call, when the last test has cost the API its connection to Redis.
  const name = async () => {
    await keys.codeOf(key);
    return /"mget" "((?:[^"\\]|\\.)+)"/i.exec(listener.heard())?.[1];
  };
  const found = await eventually(20_000, name, (text) => text !== undefined);
  listener.close();
  return bytesOf(found ?? '');
}

const escapes: Record<string, string> = { n: '\n', r: '\r', t: '\t', a: '\x07', b: '\b' };

/** The bytes of a text as Redis prints it. */
function bytesOf(printed: string): Buffer {
  const text = printed.replace(/\\(?:x([0-9a-f]{2})|(.))/g, (_, hex: string | undefined, letter: string) =>
    hex === undefined ? (escapes[letter] ?? letter) : String.fromCharCode(Number.parseInt(hex, 16)),
  );
  return Buffer.from(text, 'latin1');
}

/**
 * Redis's own account of every command (MONITOR), by hand: ioredis takes a line of it for the
 * answer to its own greeting when others connect at the same time.
 */
async function listen() {
  const { hostname, port, username, password } = new URL(redisUrl);
  const socket = connect(Number(port), hostname).setEncoding('utf8');
  let heard = '';
  socket.on('data', (text) => {
    heard += text;
  });
  socket.write(`AUTH ${username || 'default'} ${password}\r\nMONITOR\r\n`);
  await eventually(
    5_000,
    () => heard,
    (text) => text.startsWith('+OK\r\n+OK\r\n'),
  );
  return { heard: () => heard, close: () => void socket.destroy() };
}

/** A genuine record as it lies in Redis. */
async function recordOf(key: string): Promise<Buffer> {
  const name = await nameOf(key);
  const stored = await eventually(
    5_000,
    () => redis.getBuffer(name),
    (bytes) => bytes !== null,
  );
  return stored as Buffer;
}

/** Of the code in front of a record. */
const codeBytes = 16;

type Change = (packed: PackedRecord) => PackedRecord;

/** A genuine record, changed. */
function forge(stored: Buffer, change: Change): Buffer[] {
  const packed = unpackRecord(stored.subarray(codeBytes));
  if (packed === undefined) throw new Error('This is no record');
  const changed = packRecord(change(packed));
  // Without a code, with the one of the record that it was made from, and with one that is made up.
  return [
    changed,
    Buffer.concat([stored.subarray(0, codeBytes), changed]),
    Buffer.concat([randomBytes(codeBytes), changed]),
  ];
}

const same: Change = (packed) => packed;
const withSettings =
  (settings: Partial<PackedRecord['record']>): Change =>
  (packed) => ({ ...packed, record: { ...packed.record, ...settings } });

async function plant(name: Buffer, text: string | Buffer): Promise<void> {
  await redis.set(name, text);
}

test('a record that was made up or moved lets in neither a key that was never minted nor a revoked one', async () => {
  const [good, ended] = [await keys.mint(), await keys.mint()];
  const genuine = await recordOf(good.key);
  await keys.revoke(ended.userId);
  const invented = newSecret('user', 'test', randomBytes);
  for (const [key, code] of [
    [invented, 'NOT_FOUND'],
    [ended.key, 'REVOKED'],
  ] as const) {
    const name = await nameOf(key);
    for (const text of [genuine, ...forge(genuine, same)]) {
      await plant(name, text);
      expect(await keys.codeOf(key)).toBe(code);
    }
  }
});

test('a record that was changed widens no scope, moves no key and lifts no limit', async () => {
  const { key } = await keys.mint({ scopes: ['read'] });
  const name = await nameOf(key);
  const genuine = await recordOf(key);
  const changes: Change[] = [
    withSettings({ organizationId: 'org_victim' }),
    withSettings({ userId: 'somebody-else' }),
    withSettings({ scopes: ['read', 'admin'] }),
    (packed) => ({ ...packed, readAtMs: packed.readAtMs + 200_000 }),
  ];
  const before = (await keys.verify(key)).body;
  for (const text of changes.flatMap((change) => forge(genuine, change))) {
    await plant(name, text);
    expect((await keys.verify(key)).body).toEqual(before);
  }
});

test('without the code under the pepper each of these records is believed', async () => {
  const unprotected = await editSource([
    {
      file: 'src/stores/redis/records.ts',
      from: 'const bytes = stamps.openBytes(name, stamped);',
      to: `const bytes = stamps && name && stamped.subarray(${codeBytes});`,
    },
  ]);
  const control = keyCalls((await deployment.startApi({ source: unprotected })).call);
  const good = await keys.mint();
  const genuine = await recordOf(good.key);
  const invented = newSecret('user', 'test', randomBytes);
  await plant(await nameOf(invented), genuine);
  expect(await control.codeOf(invented)).toBe('VALID');
  expect(await keys.codeOf(invented)).toBe('NOT_FOUND');
});

const deep = '['.repeat(30_000_000);
test.each<[string, (name: Buffer) => Promise<unknown>]>([
  ['of 500 MB', (name) => redis.setrange(name, 500_000_000, 'x')],
  ['of 30 million nested lists', (name) => plant(name, deep)],
  ['of another type', (name) => redis.multi().del(name).lpush(name, 'x').exec()],
  ['of bytes that are no text', (name) => plant(name, randomBytes(300))],
  ['that is empty', (name) => plant(name, '')],
])(
  'a record %s costs a read of Postgres, and the process lives on without the memory for it',
  async (_what, attack) => {
    const { key } = await keys.mint();
    const names = await Promise.all([nameOf(key)]);
    for (const name of names) await attack(name);
    for (let call = 0; call < 3; call++) {
      await eventually(
        5_000,
        () => keys.codeOf(key),
        (code) => code === 'VALID',
      );
    }
    const other = await keys.mint();
    expect(await keys.codeOf(other.key)).toBe('VALID');
    expect(await residentMb(api.pid)).toBeLessThan(700);
    expect(api.stderr()).toBe('');
    expect(logLines(api).filter(({ level }) => level === 'fatal')).toEqual([]);
  },
);

async function residentMb(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) / 1_024;
}

test('a counter with an end beyond all calendars makes no answer a 500, and is over when it should be', async () => {
  const { key } = await keys.mint({ rate_limit: { limit: 5, window_seconds: 2 } });
  expect(await keys.codeOf(key)).toBe('VALID');
  const [counter] = await redis.keys('fl:limit:*');
  await redis.set(counter as string, '5', 'PX', 9_000_000_000_000_000);
  expect(await keys.verify(key)).toMatchObject({ status: 200, body: { code: 'RATE_LIMITED' } });
  await eventually(
    5_000,
    () => keys.codeOf(key),
    (code) => code === 'VALID',
  );
});

test('while a client of Redis kills connections, blocks it with scripts and changes its password, every verdict is right', async () => {
  const [good, ended] = [await keys.mint(), await keys.mint()];
  await keys.revoke(ended.userId);
  const script = 'local n = 0 while n < 3e7 do n = n + 1 end return n';
  const attacks: Array<() => Promise<unknown>> = [
    () => redis.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes'),
    () => redis.client('PAUSE', 500),
    () => redis.eval(script, 0),
    () => redis.replicaof('127.0.0.1', 1).then(() => redis.replicaof('NO', 'ONE')),
    () => redis.script('FLUSH'),
    () => redis.config('SET', 'requirepass', 'x').then(() => redis.config('SET', 'requirepass', '')),
  ];
  for (const attack of attacks) {
    const attacking = attack();
    for (let call = 0; call < 5; call++) {
      expect(await keys.codeOf(good.key)).toBe('VALID');
      expect(await keys.codeOf(ended.key)).toBe('REVOKED');
    }
    await attacking;
  }
  expect(api.stderr()).toBe('');
});
