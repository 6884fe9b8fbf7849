import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readConfig } from '../../src/config.ts';
import { endAll } from '../support/at-end.ts';
import { type Desk, openDesk } from './desk.ts';
import { followGuide } from './follow-guide.ts';

let desk: Desk;
beforeAll(async () => {
  desk = await openDesk(['curl', 'openssl', 'nginx', 'caddy', 'haproxy']);
});
afterAll(endAll);

test('"Integrate a backend in ten minutes" works as it is written', () =>
  followGuide(desk, 'integrate-a-backend.md'));

test('"Move from home-made keys" works as it is written', () =>
  followGuide(desk, 'move-from-home-made-keys.md'));

test('each symptom of "Troubleshooting" is what its commands show', () =>
  followGuide(desk, 'troubleshooting.md'));

test('"Operate the first organization" works as it is written, and "Protect an application" after it', async () => {
  await followGuide(desk, 'operate-the-first-organization.md');
  await followGuide(desk, 'protect-an-application.md');
});

test('the settings of "Deploy with containers" are what the broker and its stores take', async () => {
  await followGuide(desk, 'deploy-with-containers.md');
  const env = parseEnv(await readFile(join(desk.checkout, '.env'), 'utf8')) as Record<string, string>;
  expect((await stat(join(desk.checkout, '.env'))).mode & 0o777).toBe(0o600);
  for (const name of ['POSTGRES_PASSWORD', 'REDIS_PASSWORD']) expect(env[name]).toMatch(/^[\w-]{43}$/);
  const stores = { DATABASE_URL: 'postgres://postgres/flowplate', REDIS_URL: 'redis://redis' };
  expect(readConfig({ ...env, ...stores }).FLOWPLATE_MASTER_KEY).toBe(env.FLOWPLATE_MASTER_KEY);
});
