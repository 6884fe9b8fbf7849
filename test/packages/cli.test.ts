import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { endAll } from '../support/at-end.ts';
import { startBroker, type TestBroker } from '../support/broker.ts';
import { newOwner } from '../support/keys.ts';
import { olderNode } from './older-node.ts';
import { installedAsPublished, nodesSince } from './packed.ts';

const run = promisify(execFile);
const buildMsMax = 180_000;

let broker: TestBroker;
let consumer: string;
let npmSaid: string;
beforeAll(async () => {
  broker = await startBroker();
  ({ consumer, said: npmSaid } = await installedAsPublished('cli'));
}, buildMsMax);
afterAll(async () => {
  await endAll();
  await broker.close();
});

test('installing it brings one package and no warning', async () => {
  expect(npmSaid).not.toMatch(/warn/i);
  expect(await readdir(join(consumer, 'node_modules/@flowplate'))).toEqual(['cli']);
  expect((await readdir(join(consumer, 'node_modules'))).filter((name) => !name.startsWith('.'))).toEqual([
    '@flowplate',
  ]);
});

test('it passes on the licences of what is bundled into it', async () => {
  const directory = join(consumer, 'node_modules/@flowplate/cli');
  const notices = await readFile(join(directory, 'dist/NOTICES.md'), 'utf8');
  expect(notices).toMatch(/## commander@\d+[\s\S]+MIT/);
  expect(await readdir(directory)).toEqual(['LICENSE', 'README.md', 'dist', 'package.json']);
});

test(
  'it mints, reads and revokes a key, and misuse exits with 2, on every Node.js it promises',
  async () => {
    const bin = join(consumer, 'node_modules/.bin/flowplate');
    for (const node of [await olderNode(), ...(await nodesSince([22, 0]))]) {
      const { user_id, organization_id } = newOwner();
      const env = { FLOWPLATE_SERVER: broker.url, FLOWPLATE_MASTER_KEY: broker.masterKey };
      const flowplate = async (...args: string[]) => {
        const { stdout, stderr } = await run(node, [bin, ...args, '--json'], { env });
        expect(stderr).toBe('');
        return JSON.parse(stdout);
      };
      const { key_id } = await flowplate('keys', 'mint', '--user', user_id, '--org', organization_id);
      expect(await flowplate('keys', 'get', key_id)).toMatchObject({ user_id, status: 'active' });
      expect(await flowplate('keys', 'revoke', key_id)).toMatchObject({ propagation: 'complete' });
      await expect(run(node, [bin, 'keys', 'mint'], { env })).rejects.toMatchObject({ code: 2 });
    }
  },
  buildMsMax,
);
