import { copyFile, mkdir, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { cruise } from '../../scripts/checks/cruise.ts';
import { readRoomWords } from '../../scripts/checks/room-words.ts';
import { projectRoot } from '../../scripts/services/project-root.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

/** A small tree that keeps every rule. */
const goodTree: Record<string, string> = {
  'src/config.ts': 'export const config = process.env.PORT;',
  'src/main.ts': "import { config } from './config.ts'; export const port = config;",
  'src/domain/key.ts': 'export type Key = string; export const key = 1;',
  'src/domain/key-format.ts': 'export const format = 1;',
  'src/stores/postgres/keys.ts':
    "import { Pool } from 'pg'; import { key } from '../../domain/key.ts'; export const pool = [Pool, key];",
  'src/stores/redis/client.ts': "import { Redis } from 'ioredis'; export const client = Redis;",
  'src/stores/queue.ts': "import { Queue } from 'bullmq'; export const queue = Queue;",
  'src/usecases/part.ts': 'export const part = 1;',
  'src/usecases/mint.ts':
    "import { part } from './part.ts'; import { pool } from '../stores/postgres/keys.ts'; export const mint = [part, pool];",
  'src/usecases/revoke.ts':
    "import type { mint } from './mint.ts'; export const revoke = (value: typeof mint) => value;",
  'src/verify/verify.ts':
    "import type { Redis } from 'ioredis'; import { client } from '../stores/redis/client.ts'; export const verify = (redis: Redis) => [redis, client];",
  'src/http/app.ts':
    "import express from 'express'; import { mint } from '../usecases/mint.ts'; import { revoke } from '../usecases/revoke.ts'; import type { config } from '../config.ts'; export const app = (value: typeof config) => [express, mint, revoke, value];",
  'src/sdk/client.ts':
    "import { format } from '../domain/key-format.ts'; import type { Key } from '../domain/key.ts'; export const sdk = (key: Key) => [key, format];",
  'src/local-verifier/local.ts': "import { sdk } from '../sdk/client.ts'; export const local = sdk;",
  'src/cli/main.ts': "import { sdk } from '../sdk/client.ts'; export const cli = sdk;",
  'workers/expire.ts':
    "import { Worker } from 'bullmq'; import { revoke } from '../src/usecases/revoke.ts'; export const job = [Worker, revoke];",
  'portal/src/main.tsx': 'export const portal = 1;',
  'scripts/start.ts': 'export const start = 1;',
};

// One file that breaks one rule, and words of the complaint it must cause.
const importFaults: [string, string, string][] = [
  [
    'portal/src/view.tsx',
    "import type { Key } from '../../src/domain/key.ts'; export const view = (key: Key) => key;",
    '7 the portal',
  ],
  [
    'src/local-verifier/look.ts',
    "import { pool } from '../stores/postgres/keys.ts'; export const look = pool;",
    '8 the local verifier imports sdk, domain, and the deciding and answering code',
  ],
  [
    'src/http/local.ts',
    "import { local } from '../local-verifier/local.ts'; export const http = local;",
    '8 nothing imports the local verifier',
  ],
  [
    'src/http/list.ts',
    "import type { pool } from '../stores/postgres/keys.ts'; export type Pool = typeof pool;",
    '1 http never imports stores',
  ],
  [
    'src/usecases/refresh.ts',
    "import { mint } from './mint.ts'; export const refresh = mint;",
    '1 a use case never calls another',
  ],
  [
    'src/usecases/look.ts',
    "import { app } from '../http/app.ts'; export const look = app;",
    '1 usecases import stores, revocation and domain',
  ],
  [
    'src/stores/postgres/usage.ts',
    "import { part } from '../../usecases/part.ts'; export const usage = part;",
    '1 stores import domain',
  ],
  [
    'src/domain/role.ts',
    "import type { config } from '../config.ts'; export type Role = typeof config;",
    '1 domain imports nothing of ours',
  ],
  [
    'src/verify/decide.ts',
    "import { part } from '../usecases/part.ts'; export const decide = part;",
    '2 verify imports stores, revocation and domain',
  ],
  [
    'src/domain/file.ts',
    "import { readFile } from 'node:fs'; export const file = readFile;",
    '3 domain does no I/O',
  ],
  ['src/domain/pool.ts', "import { Pool } from 'pg'; export const pool = Pool;", '3 domain does no I/O'],
  [
    'src/usecases/web.ts',
    "import express from 'express'; export const web = express;",
    '4 express only in http',
  ],
  [
    'src/usecases/pool.ts',
    "import { Pool } from 'pg'; export const pool = Pool;",
    '4 Postgres only in stores/postgres',
  ],
  [
    'src/verify/client.ts',
    "import { Redis } from 'ioredis'; export const client = Redis;",
    '4 Redis only in stores',
  ],
  [
    'src/usecases/queue.ts',
    "import { Queue } from 'bullmq'; export const queue = Queue;",
    '5 BullMQ only in workers',
  ],
  [
    'workers/store.ts',
    "import { pool } from '../src/stores/postgres/keys.ts'; export const store = pool;",
    '5 a job is an interval and one use case',
  ],
  [
    'src/http/setting.ts',
    "import { config } from '../config.ts'; export const setting = config;",
    '6 config, log and wire',
  ],
  [
    'src/sdk/cache.ts',
    "import { part } from '../usecases/part.ts'; export const cache = part;",
    '7 sdk imports domain and the deciding code',
  ],
  [
    'src/http/sdk.ts',
    "import { sdk } from '../sdk/client.ts'; export const own = sdk;",
    '7 server rooms never import sdk',
  ],
  [
    'src/cli/direct.ts',
    "import { key } from '../domain/key.ts'; export const direct = key;",
    '7 cli imports only sdk',
  ],
  [
    'src/usecases/check.ts',
    "import fc from 'fast-check'; export const check = fc;",
    'no development package',
  ],
  [
    'src/usecases/gone.ts',
    "import { gone } from './nowhere.ts'; export const still = gone;",
    'imports resolve',
  ],
];

const wordFaults: [string, string, string][] = [
  ['src/domain/now.ts', 'export const now = () => Date.now();', 'no clock'],
  ['src/domain/chance.ts', 'export const chance = () => Math.random();', 'no clock, no randomness'],
  ['src/usecases/env.ts', 'export const port = process.env.PORT;', 'only config.ts'],
  ['src/usecases/sql.ts', "export const sql = 'SELECT id FROM keys';", 'SQL only'],
  ['src/verify/lua.ts', "export const lua = 'return redis.call(1)';", 'Lua only'],
  ['workers/queue.ts', "import { Queue } from 'bullmq';", "BullMQ's Queue"],
  ['src/stores/worker.ts', "import { Worker } from 'bullmq';", "BullMQ's Worker"],
];

test('a tree that keeps the rules passes', async () => {
  const root = await plant(goodTree);
  expect(await check(root)).toEqual({ ok: true, output: '' });
  expect(await readRoomWords(root)).toEqual({ ok: true, output: '' });
});

test('each broken import rule is named, with the file that broke it', async () => {
  const root = await plant({ ...goodTree, ...callers(), ...treeOf(importFaults) });
  const { ok, output } = await check(root);
  expect(ok).toBe(false);
  for (const [file, , complaint] of importFaults) {
    expect(
      output
        .split('\n')
        .filter((line) => line.includes(file))
        .join('\n'),
    ).toContain(complaint);
  }
});

test('words that a room may not know are named, with the file that has them', async () => {
  const { output } = await readRoomWords(await plant({ ...goodTree, ...treeOf(wordFaults) }));
  for (const [file, , complaint] of wordFaults) {
    expect(
      output
        .split('\n')
        .filter((line) => line.includes(file))
        .join('\n'),
    ).toContain(complaint);
  }
});

test('a file that dependency-cruiser did not read is a failure, not a success', async () => {
  const root = await plant({ ...goodTree, 'src/usecases/unseen.ts': 'export const unseen = 1;' });
  const blind = "module.exports.options.exclude = { path: 'unseen' };\n";
  await writeFile(join(root, '.dependency-cruiser.cjs'), blind, { flag: 'a' });
  expect(await check(root)).toEqual({
    ok: false,
    output: 'not read by dependency-cruiser: src/usecases/unseen.ts',
  });
});

// "A use case" is what another room calls.
function callers(): Record<string, string> {
  return {
    'src/http/refresh.ts': "import { refresh } from '../usecases/refresh.ts'; export const route = refresh;",
  };
}

function treeOf(faults: [string, string, string][]): Record<string, string> {
  return Object.fromEntries(faults.map(([file, text]) => [file, text]));
}

async function check(root: string) {
  return await cruise(new AbortController().signal, root);
}

async function plant(tree: Record<string, string>): Promise<string> {
  const root = await temporaryDirectory();
  await symlink(join(projectRoot, 'node_modules'), join(root, 'node_modules'));
  for (const name of ['package.json', 'tsconfig.json', '.dependency-cruiser.cjs']) {
    await copyFile(join(projectRoot, name), join(root, name));
  }
  for (const [file, text] of Object.entries(tree)) {
    await mkdir(dirname(join(root, file)), { recursive: true });
    await writeFile(join(root, file), `${text}\n`);
  }
  return root;
}
