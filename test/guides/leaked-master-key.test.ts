import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseEnv } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { atEnd, endAll } from '../support/at-end.ts';
import { type Desk, openDesk } from './desk.ts';
import { followGuide, type Way } from './follow-guide.ts';

const page = 'leaked-master-key.md';
const password = 'seven purple otters 3042';
/** More than the 500 that are revoked in the call itself. */
const keysEach = 600;

let desk: Desk;
let server: string;
let firstMasterKey: string;
beforeAll(async () => {
  desk = await openDesk(['curl']);
  const settings = parseEnv(await readFile(join(desk.checkout, '.flowplate/data/shell.env'), 'utf8'));
  const { FLOWPLATE_TENANT_KEY = '', FLOWPLATE_SERVER = '', FLOWPLATE_MASTER_KEY = '' } = settings;
  server = FLOWPLATE_SERVER;
  firstMasterKey = FLOWPLATE_MASTER_KEY;
  const email = ['--email', 'you@example.com', '--password-stdin'];
  await flowplate(['platform', 'create-admin', ...email, '--name', 'You'], {
    FLOWPLATE_API_KEY: FLOWPLATE_TENANT_KEY,
  });
  await flowplate(['platform', 'login', ...email]);
});
afterAll(endAll);

test.each<[Way, number]>([
  ['cli', 0],
  ['curl', 4_400],
])(
  '"A master key has leaked" works as it is written with %s, and after its "complete" no key is accepted',
  async (way, firstUser) => {
    const { key: leaked } = JSON.parse(await flowplate(['masterkeys', 'create', '--name', way, '--json']));
    await writeFile(join(desk.checkout, 'leaked.txt'), `${leaked}\n`);
    await rm(join(desk.checkout, 'stopped.json'), { force: true });
    const keys = await mintMany(leaked, firstUser);
    const watch = startAsking(keys);
    await followGuide(desk, page, way);
    const verdicts = await watch.end();
    const { mtimeMs: completeMs } = await stat(join(desk.checkout, 'stopped.json'));
    // The watch has seen both times.
    expect(verdicts.some(({ code, sentMs }) => code === 'VALID' && sentMs < completeMs)).toBe(true);
    const after = verdicts.filter(({ sentMs }) => sentMs > completeMs);
    expect(after.length).toBeGreaterThan(0);
    expect(after.filter(({ code }) => code !== 'REVOKED')).toEqual([]);
    const codes = await Promise.all(keys.map((key) => verdict(key)));
    expect(new Set(codes)).toEqual(new Set(['REVOKED']));
  },
);

async function flowplate(args: readonly string[], env: Record<string, string> = {}): Promise<string> {
  const child = spawn('npx', ['flowplate', ...args], {
    cwd: desk.checkout,
    env: { ...desk.env, FLOWPLATE_SERVER: server, ...env },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  child.stdin.end(`${password}\n`);
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve));
  const printed = await text(child.stdout);
  expect(await exited, args.join(' ')).toBe(0);
  return printed;
}

/** Comes back after a 503, as a backend does. */
// biome-ignore lint/suspicious/noExplicitAny: a test reads what it expects and fails on what is not there
async function call(masterKey: string, path: string, body: unknown): Promise<any> {
  const headers = {
    'x-flowplate-master-key': masterKey,
    'content-type': 'application/json',
    'idempotency-key': randomUUID(),
  };
  const url = `${server}/v1/flowplate/api-keys${path}`;
  for (;;) {
    const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) });
    const answer = await response.json();
    if (response.status !== 503) return answer;
    await sleep(200);
  }
}

/** The secrets of keys of as many users. */
async function mintMany(masterKey: string, firstUser: number): Promise<string[]> {
  const keys: string[] = [];
  const mintSome = async (worker: number) => {
    for (let user = worker; user < keysEach; user += 10) {
      const owner = { user_id: `usr_${firstUser + user}`, organization_id: 'org_acme' };
      const { key } = await call(masterKey, '', owner);
      expect(key).toMatch(/^fl_user_/);
      keys.push(key);
    }
  };
  await Promise.all(Array.from({ length: 10 }, (_, worker) => mintSome(worker)));
  return keys;
}

const verdict = async (key: string): Promise<string> => (await call(firstMasterKey, '/verify', { key })).code;

type Asked = { sentMs: number; code: string };

/** Asks for the keys, one after another, from now until `end`. */
function startAsking(keys: readonly string[]) {
  const asked: Asked[] = [];
  let isOver = false;
  const asking = (async () => {
    for (let index = 0; !isOver; index++) {
      const sentMs = Date.now();
      asked.push({ sentMs, code: await verdict(keys[index % keys.length] ?? '') });
      await sleep(5);
    }
  })();
  const end = async () => {
    isOver = true;
    await asking;
    return asked;
  };
  atEnd(end);
  return { end };
}
