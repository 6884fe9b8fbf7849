import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { projectRoot } from '../../scripts/services/project-root.ts';
import { startBroker, type TestBroker } from '../support/broker.ts';

const path = '/.well-known/flowplate-key-patterns.json';

let broker: TestBroker;
beforeAll(async () => {
  broker = await startBroker();
});
afterAll(() => broker.close());

test('the patterns of keys are public, may be cached, and are the file that is shipped', async () => {
  const response = await fetch(`${broker.url}${path}`);
  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toBe('application/json; charset=utf-8');
  expect(response.headers.get('cache-control')).toBe('public, max-age=86400');
  const shipped = await readFile(join(projectRoot, 'deploy/leaks/flowplate-key-patterns.json'), 'utf8');
  expect(await response.text()).toBe(shipped);
});

test('they are under this path alone', async () => {
  for (const other of [`${path}/`, path.toUpperCase(), '/.well-known', '/.well-known/']) {
    expect((await fetch(`${broker.url}${other}`)).status, other).toBe(404);
  }
});
