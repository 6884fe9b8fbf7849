import { createHash } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { atEnd, endAll } from '../support/at-end.ts';
import { startBroker, type TestBroker } from '../support/broker.ts';
import { newOwner, verify } from '../support/keys.ts';
import { readLines, toLines } from '../support/lines.ts';
import { type Desk, openDesk } from './flowplate.ts';

let broker: TestBroker;
let desk: Desk;
beforeAll(async () => {
  broker = await startBroker({ FOREIGN_KEY_PATTERNS: 'acme_:base62:32' });
  atEnd(() => broker.close());
  desk = await openDesk(broker.url, { FLOWPLATE_MASTER_KEY: broker.masterKey });
});
afterAll(endAll);

test('a file is looked at, imported, and imported again without a change', async () => {
  const key = `acme_${'c'.repeat(32)}`;
  const hash = createHash('sha256').update(key).digest('hex');
  const stdin = toLines([
    { ...newOwner(), algorithm: 'sha256', hash },
    { ...newOwner(), algorithm: 'sha256', hash: 'x' },
  ]);
  const args = ['keys', 'import', '-'];
  const dry = await desk.run([...args, '--dry-run'], { stdin });
  expect([dry.exitCode, dry.stdout]).toEqual([1, '']);
  expect(dry.stderr).toContain('2 lines: 1 importable, 1 failed');
  expect(dry.stderr).toContain('Line 2: ');
  expect((await verify(broker, key)).code).toBe('NOT_FOUND');
  const { stdout } = await desk.run([...args, '--json'], { stdin });
  expect(readLines(stdout)).toEqual([
    expect.objectContaining({ line: 1, status: 'imported' }),
    { line: 2, error: expect.objectContaining({ code: 'VALIDATION_ERROR' }) },
  ]);
  expect((await verify(broker, key)).code).toBe('VALID');
  expect((await desk.run(args, { stdin })).stderr).toContain('1 unchanged, 1 failed');
});
