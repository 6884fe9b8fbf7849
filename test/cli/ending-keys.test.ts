import { beforeAll, describe, expect, test } from 'vitest';
import { mint, newOwner, verify } from '../support/keys.ts';
import { openDesk } from './flowplate.ts';
import { useOperatorDesk } from './platform-user-desk.ts';
import { openTerminal, type Terminal } from './terminal.ts';

const { broker, desk } = useOperatorDesk();

let env: Record<string, string>;
let terminal: Terminal;
beforeAll(async () => {
  env = { FLOWPLATE_MASTER_KEY: broker().masterKey };
  terminal = await openTerminal(await openDesk(broker().url, env));
});

/** A user with a key in each of these organizations; the first key was used just now. */
async function userWithKeys(...organizations: string[]): Promise<{ user_id: string; keys: string[] }> {
  const { user_id } = newOwner();
  const keys: string[] = [];
  for (const organization_id of organizations) {
    keys.push((await mint(broker(), { user_id, organization_id })).key);
  }
  await verify(broker(), keys[0] ?? '');
  await broker().settleUsage();
  return { user_id, keys };
}

async function answer(line: string, question: string, typed: string): Promise<string> {
  const from = terminal.screen().length;
  const output = terminal.command(line);
  await expect.poll(() => terminal.screen().slice(from)).toContain(question);
  terminal.type(typed);
  return output;
}

const codeOf = async (key: string | undefined) => (await verify(broker(), key ?? '')).code;

describe('revoke-all', () => {
  test('names the user, the keys, the organizations and the last use, and asks', async () => {
    const { user_id, keys } = await userWithKeys('org_one', 'org_two');
    const line = `flowplate keys revoke-all ${user_id}; echo "ended with $?"`;
    const refused = await answer(line, 'Revoke them all? [y/N]', '');
    expect(refused).toContain(`${user_id} has 2 keys in 2 organizations (`);
    expect(refused).toMatch(/\((org_two, org_one|org_one, org_two)\), last used: \d{4}-\d\d-\d\dT/);
    expect(refused).toContain('flowplate: nothing was changed\nended with 1');
    expect(await codeOf(keys[1])).toBe('VALID');

    const revoked = await answer(line, 'Revoke them all? [y/N]', 'y');
    expect(revoked).toContain('Revoked 2 keys (propagation: complete)\nended with 0');
    expect(await codeOf(keys[1])).toBe('REVOKED');
  });

  test('without a terminal it wants --yes, and then asks nothing', async () => {
    const { user_id, keys } = await userWithKeys('org_one');
    const asked = await desk().run(['keys', 'revoke-all', user_id], { env });
    expect([asked.stdout, asked.exitCode]).toEqual(['', 2]);
    expect(asked.stderr).toContain(`${user_id} has 1 key in 1 organization (org_one), last used: `);
    expect(asked.stderr).toContain('add --yes');
    expect(await codeOf(keys[0])).toBe('VALID');
    const revoked = await desk().run(['keys', 'revoke-all', user_id, '--yes'], { env });
    expect(revoked.stdout).toBe('Revoked 1 key (propagation: complete)\n');
  });

  test('a master key that may not read says so, and can still revoke', async () => {
    const { user_id } = await userWithKeys('org_one');
    const { secret } = await broker().createMasterKey({ permissions: ['keys:revoke'] });
    const only = { FLOWPLATE_MASTER_KEY: secret };
    const asked = await desk().run(['keys', 'revoke-all', user_id], { env: only });
    expect(asked.stderr).toContain('may not read them');
    expect((await desk().run(['keys', 'revoke-all', user_id, '--yes'], { env: only })).exitCode).toBe(0);
  });
});

describe('a key that was used in the last 7 days', () => {
  test('is asked about at a terminal', async () => {
    const { user_id, keys } = await userWithKeys('org_one');
    const line = `flowplate keys revoke --user ${user_id} --org org_one`;
    const refused = await answer(line, 'End it? [y/N]', 'n');
    expect(refused).toMatch(/Key flk_\w+ of \S+ was last used at \S+Z, in the last 7 days\./);
    expect(await codeOf(keys[0])).toBe('VALID');
    expect(await answer(line, 'End it? [y/N]', 'yes')).toContain('Revoked 1 key');
    expect(await codeOf(keys[0])).toBe('REVOKED');
  });

  test('is warned of in a script, which goes on; --yes is silent', async () => {
    for (const [args, warning] of [
      [[], /^Warning: Key flk_\w+ of \S+ was last used at /],
      [['--yes'], /^$/],
    ] as const) {
      const { user_id } = await userWithKeys('org_one');
      const { data } = await desk().json(['keys', 'list', '--user', user_id], { env });
      const ran = await desk().run(['keys', 'revoke', data[0].key_id, ...args], { env });
      expect([ran.exitCode, ran.stdout]).toEqual([0, 'Revoked 1 key (propagation: complete)\n']);
      expect(ran.stderr).toMatch(warning);
    }
  });

  test('API keys as well, and none that was never used', async () => {
    const { id } = await desk().json(['apikey', 'create', 'unused', '--platform']);
    expect((await desk().run(['apikey', 'revoke', id])).stderr).toBe('');
    const used = await desk().json(['apikey', 'create', 'used', '--platform']);
    await desk().run(['platform', 'whoami'], { env: { FLOWPLATE_API_KEY: used.key } });
    await broker().settleUsage();
    const deleted = await desk().run(['apikey', 'delete', used.id]);
    expect(deleted.stderr).toMatch(new RegExp(`^Warning: used \\(${used.id}\\) was last used at `));
    expect(deleted.exitCode).toBe(0);
  });

  test('one that was never used is ended without a word', async () => {
    const { key_id } = await mint(broker());
    expect(await desk().run(['keys', 'revoke', key_id], { env })).toMatchObject({ stderr: '', exitCode: 0 });
  });
});
