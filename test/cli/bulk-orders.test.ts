import { beforeAll, describe, expect, test } from 'vitest';
import { type Minted, mint, newOwner } from '../support/keys.ts';
import { useOperatorDesk } from './platform-user-desk.ts';

const { broker, desk } = useOperatorDesk();

let env: Record<string, string>;
beforeAll(() => {
  env = { FLOWPLATE_MASTER_KEY: broker().masterKey };
});

async function mintThree(): Promise<{ org: string; keys: Minted[] }> {
  const { organization_id } = newOwner();
  const keys = [];
  for (let count = 0; count < 3; count++) keys.push(await mint(broker(), { organization_id }));
  return { org: organization_id, keys };
}

const statuses = async (org: string) =>
  (await desk().json(['keys', 'list', '--org', org], { env })).data.map(
    ({ status, revoked_reason }: { status: string; revoked_reason: string | null }) => [
      status,
      revoked_reason,
    ],
  );

describe.each([
  ['with a master key', () => env],
  ['as an operator', () => ({})],
])('%s', (_who, as) => {
  test('a dry run shows the keys and changes nothing; --yes carries the order out with its reason', async () => {
    const { org } = await mintThree();
    const order = ['keys', 'bulk', 'revoke', '--org', org, '--never-used', '--reason-code', 'owner_left'];
    const dry = await desk().run([...order, '--dry-run'], { env: as() });
    expect([dry.exitCode, dry.stdout.match(/flk_/g)?.length]).toEqual([0, 3]);
    expect(dry.stderr).toContain('3 keys in all; nothing was changed');
    expect(await statuses(org)).toEqual([1, 2, 3].map(() => ['active', null]));
    const done = await desk().run([...order, '--yes'], { env: as() });
    expect(done).toMatchObject({ exitCode: 0, stdout: 'Revoked 3 keys (propagation: complete)\n' });
    expect(await statuses(org)).toEqual([1, 2, 3].map(() => ['revoked', 'owner_left']));
  });

  test('the list takes the filters, also as CSV', async () => {
    const { org, keys } = await mintThree();
    const after = ['--created-after', keys[1]?.created_at ?? ''];
    const listed = await desk().json(['keys', 'list', '--org', org, ...after], { env: as() });
    expect((listed.data ?? listed).length).toBe(2);
    const csv = await desk().run(['keys', 'list', '--org', org, '--csv'], { env: as() });
    expect(csv.stdout.split('\n').map((line) => line.split(',')[0])).toEqual([
      'key_id',
      ...keys.map(({ key_id }) => key_id).reverse(),
      '',
    ]);
  });
});

test('without a terminal and without --yes nothing is changed: 2', async () => {
  const { org } = await mintThree();
  const refused = await desk().run(['keys', 'bulk', 'disable', '--org', org], { env });
  expect(refused.exitCode).toBe(2);
  expect(refused.stderr).toContain('--yes');
  expect(await statuses(org)).toEqual([1, 2, 3].map(() => ['active', null]));
});

test.each([
  [['revoke'], 'name a filter'],
  [['delete', '--user', 'usr_1'], 'revoke'],
  [['revoke', '--user', 'usr_1', '--reason-code', 'leaked'], 'key_compromise'],
  [['revoke', '--unused-since', '90d'], '--unused-since'],
  [['revoke', '--never-used', '--unused-since', '2026-01-01'], '--unused-since'],
])('wrong use is told before anything is sent: %j', async (args, told) => {
  const { exitCode, stderr } = await desk().run(['keys', 'bulk', ...args], { env });
  expect(exitCode).toBe(2);
  expect(stderr).toContain(told);
});

test('a job that is not there is refused: 1', async () => {
  for (const verb of ['job', 'cancel-job']) {
    const { exitCode, stderr } = await desk().run(['keys', verb, 'job_0000000000000000000000'], { env });
    expect([exitCode, stderr]).toEqual([1, expect.stringContaining('No such job')]);
  }
});
