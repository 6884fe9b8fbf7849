import { setTimeout as sleep } from 'node:timers/promises';
import { sql } from 'kysely';
import { beforeAll, describe, expect, test } from 'vitest';
import { watchAskedScopes } from '../../src/usecases/upkeep/watch-asked-scopes.ts';
import { backdate } from '../support/backdate.ts';
import { mint, newOwner, refreshed, verify } from '../support/keys.ts';
import { reportLeak, withReporter } from '../support/leaks.ts';
import { useOperatorDesk } from './platform-user-desk.ts';

const { broker, desk } = useOperatorDesk(withReporter);

let env: Record<string, string>;
beforeAll(() => {
  env = { FLOWPLATE_MASTER_KEY: broker().masterKey };
});

function ownerArgs({ user_id, organization_id } = newOwner()): string[] {
  return ['--user', user_id, '--org', organization_id];
}

describe('with a master key', () => {
  test('a key is minted, verified, refreshed and revoked', async () => {
    const owner = ownerArgs();
    const minted = await desk().run(['keys', 'mint', ...owner, '--scopes', 'read'], { env });
    expect(minted.stdout).toMatch(
      /^Minted key: flk_\w+ \(user: \S+, organization: \S+\)\nKey: fl_user_test_\w+\nSave this key — it will not be shown again\.\n$/,
    );
    const key = /Key: (fl_user\S+)/.exec(minted.stdout)?.[1] ?? '';

    const verify = (...args: string[]) =>
      desk().run(['keys', 'verify', '--key-stdin', ...args], { env, stdin: `${key}\n` });
    const accepted = await verify('--scopes', 'read');
    expect([accepted.stdout, accepted.exitCode]).toEqual([expect.stringMatching(/^VALID: flk_\w+ /), 0]);
    expect(accepted.stdout + accepted.stderr).not.toContain(key);
    expect(await verify('--scopes', 'write')).toMatchObject({
      stdout: 'Refused: INSUFFICIENT_SCOPE\n',
      exitCode: 1,
    });

    const refreshed = await desk().run(['keys', 'refresh', ...owner], { env });
    expect(refreshed.stdout).toMatch(/^Refreshed key: flk_\w+ .*\nNew key: fl_user_test_\w+\nSave this key/);
    expect((await verify()).stdout).toBe('Refused: REVOKED\n');

    const revoked = await desk().run(['keys', 'revoke', ...owner], { env });
    expect(revoked.stdout).toBe('Revoked 1 key (propagation: complete)\n');
  });

  test('a key in quarantine is released, once', async () => {
    const minted = await mint(broker());
    await reportLeak(broker(), minted.key);
    const args = ['keys', 'release', minted.key_id];
    const released = await desk().run([...args, '--reason-code', 'used_in_tests'], { env });
    expect(released.stdout).toBe(
      `Released key: ${minted.key_id} (user: ${minted.user_id}, organization: ${minted.organization_id}, active, propagation: complete)\n`,
    );
    expect(await desk().run(args)).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('KEY_NOT_QUARANTINED'),
    });
    expect((await desk().run([...args, '--reason-code', 'because'])).exitCode).toBe(2);
  });

  test('limits, a quota, metadata, addresses and an expiry are set as they are typed', async () => {
    const typed = ['--rate-limit', '100/60', '--quota', '1000/day', '--metadata', '{"plan":"gold"}'];
    const rest = ['--ips', '10.0.0.0/8,192.0.2.1', '--expires-at', '2999-01-01', '--name', 'ours'];
    expect(await desk().json(['keys', 'mint', ...ownerArgs(), ...typed, ...rest], { env })).toMatchObject({
      rate_limit: { limit: 100, window_seconds: 60 },
      quota: { limit: 1000, period: 'day' },
      metadata: { plan: 'gold' },
      ip_allowlist: ['10.0.0.0/8', '192.0.2.1'],
      expires_at: '2999-01-02T00:00:00.000Z',
      name: 'ours',
    });
  });

  test.each(['fe80::1%eth0', '10.0.0.0/08', '10.0.0.0/33'])(
    'addresses such as %s are refused',
    async (ips) => {
      const args = [
        ['keys', 'mint', ...ownerArgs()],
        ['masterkeys', 'create', '--name', 'x'],
      ];
      for (const made of args) {
        const { stdout, stderr, exitCode } = await desk().run([...made, '--ips', `10.0.0.1,${ips}`], {
          ...(made[0] === 'keys' && { env }),
        });
        expect([stdout, exitCode]).toEqual(['', 1]);
        expect(stderr).toContain('`ip_allowlist.1` must be an IP address or a CIDR range such as 10.0.0.0/8');
      }
    },
  );
});

test.each(['user', 'User', '%75ser', '..', '.'])(
  'a revoke for the user %s in an organization does not touch the user who has its name',
  async (user) => {
    const innocent = newOwner();
    await desk().json(['keys', 'mint', ...ownerArgs(innocent)], { env });
    const args = ['keys', 'revoke', '--user', user, '--org', innocent.user_id];
    const refused = await desk().run(args, { env });
    expect(refused).toMatchObject({ stdout: '', exitCode: 1 });
    expect(refused.stderr).toMatch(/^flowplate: `(user_id|id)` .* \(VALIDATION_ERROR/);
    expect(await desk().json(['keys', 'list', '--user', innocent.user_id])).toMatchObject([
      { status: 'active' },
    ]);
  },
);

describe('keys refresh', () => {
  const refreshed = (owner: string[], ...args: string[]) =>
    desk().run(['keys', 'refresh', ...owner, ...args], { env });

  test('gives a key a new end, and shows it', async () => {
    const owner = ownerArgs();
    await desk().run(['keys', 'mint', ...owner, '--ttl-seconds', '60'], { env });
    const { stdout } = await refreshed(owner, '--expires-at', '2999-01-01T12:00:00Z');
    expect(stdout).toMatch(
      /^Refreshed key: flk_\w+ .*\nNew key: fl_user_test_\w+\nExpires: 2999-01-01T12:00:00Z\nSave this key/,
    );
    const { new_key } = await desk().json(['keys', 'refresh', ...owner, '--ttl-seconds', '60'], { env });
    // The key is made some milliseconds after its end was reckoned.
    const livesMs = Date.parse(new_key.expires_at) - Date.parse(new_key.created_at);
    expect(Math.abs(livesMs - 60_000)).toBeLessThan(1_000);
  });

  test('renews a key that has expired, and only with a new end', async () => {
    const owner = ownerArgs();
    await desk().run(['keys', 'mint', ...owner, '--ttl-seconds', '1'], { env });
    await sleep(1_200);
    expect(await refreshed(owner)).toMatchObject({ exitCode: 1, stdout: '' });
    expect((await refreshed(owner, '--ttl-seconds', '60')).exitCode).toBe(0);
  });

  test('takes no end that is none', async () => {
    for (const args of [
      ['--ttl-seconds', 'long'],
      ['--expires-at', 'soon'],
    ]) {
      expect((await refreshed(ownerArgs(), ...args)).exitCode).toBe(2);
    }
  });
});

test('every key of a user is revoked at once, and the list says so', async () => {
  const { user_id } = newOwner();
  for (const organization_id of ['org_a', 'org_b']) {
    await desk().json(['keys', 'mint', ...ownerArgs({ user_id, organization_id })], { env });
  }
  const { stdout, stderr } = await desk().run(['keys', 'revoke-all', user_id, '--yes'], { env });
  expect([stdout, stderr]).toEqual(['Revoked 2 keys (propagation: complete)\n', '']);
  const listed = await desk().run(['keys', 'list', '--user', user_id], { env });
  expect(listed.stdout).toMatch(/^ID +USER +ORGANIZATION +ENVIRONMENT +PREFIX +STATUS +CREATED/);
  expect(listed.stdout.match(/ revoked /g)).toHaveLength(2);
});

test('an operator without a master key looks at hidden keys and ends them, but mints none', async () => {
  const owner = newOwner();
  const { key_id } = await desk().json(['keys', 'mint', ...ownerArgs(owner)], { env });
  const [listed] = await desk().json(['keys', 'list', '--user', owner.user_id]);
  expect(listed).toMatchObject({ key_id, status: 'active' });
  expect(await desk().json(['keys', 'get', key_id])).toMatchObject({ key_id });
  expect(await desk().json(['keys', 'usage', key_id])).toMatchObject({ key_id, totals: { requests: 0 } });
  expect((await desk().run(['keys', 'revoke', key_id])).stdout).toBe(
    'Revoked 1 key (propagation: complete)\n',
  );
  const refused = await desk().run(['keys', 'mint', ...ownerArgs()]);
  expect(refused).toMatchObject({ stdout: '', exitCode: 2 });
  expect(refused.stderr).toContain('FLOWPLATE_MASTER_KEY');
});

describe('why a key is refused', () => {
  const refusedKey = async () => {
    const owner = ownerArgs();
    const ips = ['--scopes', 'read', '--ips', '192.0.2.0/24'];
    const { key, key_id } = await desk().json(['keys', 'mint', ...owner, ...ips], { env });
    const stdin = `${key}\n`;
    await desk().run(['keys', 'verify', '--key-stdin', '--ip', '198.51.100.7'], { env, stdin });
    await broker().api.flushUsage();
    return key_id as string;
  };

  test('keys explain shows every check, and ends with 1 for a no', async () => {
    const keyId = await refusedKey();
    const demands = ['--ip', '198.51.100.7', '--scopes', 'read,write'];
    for (const as of [{ env }, {}]) {
      const refused = await desk().run(['keys', 'explain', keyId, ...demands], as);
      expect(refused.stdout).toMatch(/^CHECK +RESULT +ASKED +HAS\nMALFORMED +passed/);
      expect(refused.stdout).toMatch(/\nIP_NOT_ALLOWED +failed +198\.51\.100\.7 +192\.0\.2\.0\/24\n/);
      expect(refused.stdout).toMatch(/\nINSUFFICIENT_SCOPE +failed +read,write +read\n/);
      expect(refused.stdout).toMatch(/\nRefused: IP_NOT_ALLOWED\n$/);
      expect(refused.exitCode).toBe(1);
    }
    const accepted = await desk().run(['keys', 'explain', keyId, '--ip', '192.0.2.7'], { env });
    expect([accepted.exitCode, accepted.stdout]).toEqual([0, expect.stringMatching(/\nAccepted: VALID\n$/)]);
    const later = await desk().run(['keys', 'explain', keyId, '--at', '2099-01-01', '--json'], { env });
    expect(JSON.parse(later.stdout)).toMatchObject({ valid: false, code: 'IP_NOT_ALLOWED' });
  });

  test('keys refusals shows the last ones of a key, or those of a trace id', async () => {
    const keyId = await refusedKey();
    for (const as of [{ env }, {}]) {
      const { stdout, exitCode } = await desk().run(['keys', 'refusals', keyId], as);
      expect(stdout).toMatch(/^TIME +CODE +ENDPOINT +REQUEST +GATEWAY +ADDRESS\n/);
      expect(stdout).toMatch(/ IP_NOT_ALLOWED +verify +req_\w+ +flm_\w+ +198\.51\.100\.7\n$/);
      expect(exitCode).toBe(0);
    }
    const [refusal] = await desk().json(['keys', 'refusals', keyId], { env });
    const byRequest = ['keys', 'refusals', '--request-id', refusal.request_id];
    expect(await desk().json(byRequest)).toEqual([{ key_id: keyId, ...refusal }]);
    expect((await desk().run(byRequest)).stdout).toContain(`\n${keyId}  `);
    for (const args of [[], [keyId, '--request-id', 'req_1']]) {
      expect(await desk().run(['keys', 'refusals', ...args], { env })).toMatchObject({
        exitCode: 2,
        stdout: '',
      });
    }
  });
});

test('master keys are created, listed, rotated and revoked by a super-admin', async () => {
  const args = ['masterkeys', 'create', '--name', 'gateway', '--permissions', 'keys:verify'];
  const created = await desk().run(args);
  expect(created.stdout).toMatch(
    /^Created master key: gateway \(id: flm_\w+\)\nKey: fl_master_test_\w+\nSave this key — it will not be shown again\.\n$/,
  );
  const id = /flm_\w+/.exec(created.stdout)?.[0] ?? '';
  const rotated = await desk().run(['masterkeys', 'rotate', id, '--overlap-seconds', '60']);
  expect(rotated.stdout).toMatch(
    /^Rotated master key: gateway \(id: flm_\w+\)\nNew key: fl_master_test_\w+\n/,
  );
  const next = /flm_\w+/.exec(rotated.stdout)?.[0] ?? '';
  const revoked = await desk().run(['masterkeys', 'revoke', next]);
  expect(revoked.stdout).toBe(`Revoked master key: ${next} (propagation: complete)\n`);
  const listed = await desk().run(['masterkeys', 'list']);
  expect(listed.stdout).toMatch(
    /^ID +NAME +PREFIX +PERMISSIONS +CREATED +EXPIRES +REVOKED +LAST USED +MINTED +LIVING +LIVING MAX +MINT QUOTA\n/,
  );
  expect(listed.stdout).toContain(next);
});

test('keys hygiene shows findings, of all pages with --all, and the file with --csv', async () => {
  const [, user = '', , org = ''] = ownerArgs();
  for (const rest of [
    ['--ttl-seconds', '86400'],
    ['--environment', 'stage'],
  ]) {
    await desk().json(['keys', 'mint', '--user', user, '--org', org, ...rest], { env });
  }
  const report = ['keys', 'hygiene', '--org', org];
  for (const as of [{ env }, {}]) {
    const { stdout, exitCode } = await desk().run([...report, '--limit', '1', '--all'], as);
    expect(stdout).toMatch(/^ID +USER +ORGANIZATION +ENVIRONMENT +PREFIX +FINDINGS +CREATED /);
    expect(
      stdout
        .trim()
        .split('\n')
        .map((line) => /\b(without_expiry|expiring)\b/.exec(line)?.[0]),
    ).toEqual([undefined, 'without_expiry', 'expiring']);
    expect(exitCode).toBe(0);
    const csv = await desk().run([...report, '--finding', 'expiring', '--csv'], as);
    expect(csv.stdout).toMatch(/^key_id,.*,findings\nflk_\w+,.*,expiring\n$/);
  }
  const none = await desk().run([...report, '--finding', 'expiring', '--expiring-days', '0'], { env });
  expect([none.exitCode, none.stderr]).toEqual([2, expect.stringContaining('from 1 to 9999')]);
});

test('keys hygiene names the scopes that no gateway asks for, and before that the day from which on it can', async () => {
  const key = await mint(broker(), { scopes: ['read', 'a:b', 'c:d'] });
  await verify(broker(), key.key, { scopes: ['read'] });
  await broker().settleUsage();
  const id = await backdate(broker(), key, 40);
  const report = ['keys', 'hygiene', '--org', key.organization_id, '--finding', 'scope_unasked'];
  const { stderr } = await desk().run(report, { env });
  expect(stderr).toContain('does not record yet which scopes gateways ask for');
  await watchAskedScopes({ db: broker().db });
  for (const as of [{ env }, {}]) {
    const early = await desk().run(report, as);
    expect(early.stderr).toMatch(/are recorded since \S+\. Before \S+ none is called unasked\./);
  }
  await sql`UPDATE scope_records SET since = since - interval '31 days'`.execute(broker().db);
  for (const as of [{ env }, {}]) {
    const found = await desk().run(report, as);
    expect([found.stdout, found.stderr]).toEqual([
      expect.stringMatching(/ UNASKED SCOPES\n.* a:b c:d\n$/),
      '',
    ]);
    const later = await desk().run([...report, '--unasked-days', '35'], as);
    expect(later.stderr).toContain('none is called unasked');
  }
  expect(await desk().json(report, { env })).toMatchObject({
    data: [{ key_id: id, unasked_scopes: ['a:b', 'c:d'] }],
  });
  const wrong = await desk().run([...report, '--unasked-days', '366'], { env });
  expect([wrong.exitCode, wrong.stderr]).toEqual([2, expect.stringContaining('from 1 to 365')]);
});

test('keys hygiene has a line for each gateway that still uses an old key in its grace', async () => {
  const old = await mint(broker());
  await refreshed(broker(), old, { grace_period_seconds: 3_600 });
  await verify(broker(), old.key);
  await broker().settleUsage();
  const report = ['keys', 'hygiene', '--org', old.organization_id, '--finding', 'predecessor_used'];
  const { stdout } = await desk().run(report, { env });
  expect(stdout).toMatch(/^OLD KEY +USER +ORGANIZATION +GATEWAY +SINCE +LAST USED +ENDS\n/);
  expect(stdout).toMatch(new RegExp(`\n${old.key_id} +\\S+ +${old.organization_id} +flm_\\w+ +20`));
  expect(await desk().json(report, { env })).toMatchObject({ data: [{ findings: expect.any(Array) }] });
});
