import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { envoyAt } from '../local-verifier/envoy.ts';
import { exchange } from '../local-verifier/exchange.ts';
import { atEnd, endAll } from '../support/at-end.ts';
import { startBroker, type TestBroker } from '../support/broker.ts';
import { eventually } from '../support/eventually.ts';
import { mint, revokeEverywhere } from '../support/keys.ts';
import { olderNode } from './older-node.ts';
import { installedAsPublished, nodesSince } from './packed.ts';

const run = promisify(execFile);
const buildMsMax = 180_000;

let broker: TestBroker;
let directory: string;
let consumer: string;
let npmSaid: string;
beforeAll(async () => {
  broker = await startBroker();
  ({ directory, consumer, said: npmSaid } = await installedAsPublished('verifier'));
}, buildMsMax);
afterAll(async () => {
  await endAll();
  await broker.close();
});

test('installing it brings one package and no warning', async () => {
  expect(npmSaid).not.toMatch(/warn/i);
  expect((await readdir(join(consumer, 'node_modules'))).filter((name) => !name.startsWith('.'))).toEqual([
    '@flowplate',
  ]);
});

test('it passes on the licences of what is bundled into it, and brings no client of a store', async () => {
  const installedAt = join(consumer, 'node_modules/@flowplate/verifier');
  const notices = await readFile(join(installedAt, 'dist/NOTICES.md'), 'utf8');
  expect(notices).toMatch(/## commander@\d+[\s\S]+MIT/);
  expect(notices).not.toMatch(/^## (pg|kysely|ioredis|bullmq|express|argon2)@/m);
  expect(await readdir(installedAt)).toEqual(['LICENSE', 'README.md', 'dist', 'package.json']);
});

test(
  'it verifies over its socket until a revoke is answered, on every Node.js it promises',
  async () => {
    const bin = join(consumer, 'node_modules/.bin/flowplate-verifier');
    const keyFile = join(directory, 'master-key');
    await writeFile(keyFile, broker.masterKey);
    for (const node of [await olderNode(), ...(await nodesSince([22, 0]))]) {
      const socketPath = join(directory, 'verifier.sock');
      const grpc = `unix:${join(directory, 'authz.sock')}`;
      const listeners = ['--listen', `unix:${socketPath}`, '--grpc', grpc];
      const args = [...listeners, '--broker', broker.url, '--master-key-file', keyFile];
      const child = spawn(node, [bin, ...args], { stdio: ['ignore', 'pipe', 'pipe'], env: {} });
      atEnd(() => child.kill('SIGKILL'));
      let said = '';
      child.stderr.on('data', (text) => {
        said += text;
      });
      const { key, key_id } = await mint(broker);
      const path = '/v1/flowplate/authz';
      const ask = () => exchange({ socketPath }, { path, headers: [['x-api-key', key]] });
      const refused = { status: 0, headers: [], body: '' };
      await eventually(
        20_000,
        () => ask().catch(() => refused),
        ({ status }) => status === 200,
      );
      expect(await envoyAt(grpc).health()).toBe(1);
      await revokeEverywhere(broker, key_id);
      // A busy machine may miss the deadline of a look-up. No answer is yes.
      const after: number[] = [];
      const askAgain = async () => after.push((await ask()).status);
      await eventually(20_000, askAgain, () => after.at(-1) === 401);
      expect(after).not.toContain(200);
      child.kill('SIGTERM');
      expect(await once(child, 'exit')).toEqual([0, null]);
      expect(said).toBe('');
      await expect(run(node, [bin, '--listen', 'nowhere'])).rejects.toMatchObject({ code: 2 });
    }
  },
  buildMsMax,
);
