import { expect, test } from 'vitest';
import { seal, sealedIds, tamper } from '../support/audit-chain.ts';
import { useOperatorDesk } from './platform-user-desk.ts';

const { broker, desk } = useOperatorDesk();

test('the audit log is exported whole, one event a line, newest first', async () => {
  for (const name of ['One', 'Two', 'Three']) {
    await desk().json(['platform', 'tenants', 'provision', '--name', name]);
  }
  const { stdout, stderr, exitCode } = await desk().run([
    ...['platform', 'audit', 'export', '--event-type', 'organization.created'],
  ]);
  expect([stderr, exitCode]).toEqual(['', 0]);
  const events = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(events.length).toBeGreaterThanOrEqual(3);
  const ids = events.map(({ id }) => id);
  expect(ids).toEqual([...ids].sort().reverse());
  expect(new Set(events.map(({ event_type }) => event_type))).toEqual(new Set(['organization.created']));
});

test('filters narrow the list, and what is no time is wrong use', async () => {
  const [first] = await desk().json(['platform', 'audit', '--limit', '1']);
  expect(first).toHaveProperty('event_type');
  const only = await desk().json(['platform', 'audit', '--target', first.target_id]);
  expect(new Set(only.map((event: { target_id: string }) => event.target_id))).toEqual(
    new Set([first.target_id]),
  );
  const day = new Date(Date.now() + 2 * 86_400_000).toISOString().slice(0, 10);
  expect(await desk().json(['platform', 'audit', '--from', day])).toEqual([]);
  const wrong = await desk().run(['platform', 'audit', '--from', 'yesterday']);
  expect(wrong).toMatchObject({ stdout: '', exitCode: 2 });
  expect(wrong.stderr).toContain('It must be a time');
});

test('a sealed log verifies, and a changed event is found and named', async () => {
  await seal(broker().db, broker().api.parts.keyring);
  const whole = await desk().run(['platform', 'audit', 'verify']);
  expect(whole.stdout).toMatch(
    /^Verified [1-9]\d* audit events; \d+ more wait for their seal\nHead: \d+:[0-9a-f]{64} \(\S+Z\)\n$/,
  );
  expect(whole.exitCode).toBe(0);
  const head = /Head: (\S+)/.exec(whole.stdout)?.[1] ?? '';
  expect((await desk().run(['platform', 'audit', 'verify', '--head', head])).exitCode).toBe(0);

  const url = broker().config.DATABASE_URL;
  const [, second = ''] = await sealedIds(url);
  await tamper(url, `UPDATE audit_events SET actor_id = 'somebody_else' WHERE id = '${second}'`);
  const broken = await desk().run(['platform', 'audit', 'verify']);
  expect(broken.stdout).toBe(`The audit log is not as it was sealed: changed (seq: 2, id: ${second})\n`);
  expect(broken.exitCode).toBe(1);
});
