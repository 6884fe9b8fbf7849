import { expect, test } from 'vitest';
import { keysPath, mint, newOwner } from '../support/keys.ts';
import { useOperatorDesk } from './platform-user-desk.ts';

const { broker, desk } = useOperatorDesk();

test('a master key is made with bounds, which are changed and taken away', async () => {
  const bounds = ['--mint-quota', '2/day', '--living-keys-max', '100', '--key-age-days-max', '90'];
  const { id, key } = await desk().json(['masterkeys', 'create', '--name', 'bounded', ...bounds]);
  const tryMint = async () => (await broker().call(`POST ${keysPath}`, { as: key, body: newOwner() })).status;
  expect([await tryMint(), await tryMint(), await tryMint()]).toEqual([201, 201, 429]);
  const updated = await desk().run(['masterkeys', 'update', id, '--mint-quota', 'none']);
  expect(updated.stderr).toBe('');
  expect(updated.stdout).toBe(`Updated master key: bounded (id: ${id})\n`);
  expect(await tryMint()).toBe(201);
  const shown = await desk().json(['masterkeys', 'get', id]);
  expect(shown).toMatchObject({
    ...{ mint_quota: null, living_keys_max: 100, living_count: 3 },
    key_age_seconds_max: 7_776_000,
  });
  const refused = await desk().run(['masterkeys', 'update', id, '--mint-quota', '5/month']);
  expect(refused).toMatchObject({ exitCode: 2 });
  expect(refused.stderr).toContain('It must be none, or a limit and a period');
});

test('the tree leads from a master key to its organizations, and from there to its keys', async () => {
  const { id, secret: as } = await broker().createMasterKey({ name: 'tree' });
  const minted = await mint(broker(), {}, { as });
  await mint(broker(), { organization_id: minted.organization_id });
  const tree = await desk().run(['masterkeys', 'tree', id]);
  expect(tree.stdout).toMatch(new RegExp(`^ORGANIZATION +LIVING +ALL\n${minted.organization_id} +1 +1\n`));
  const args = ['keys', 'list', '--minted-by', id, '--org', minted.organization_id];
  const listed = await desk().run(args, { env: { FLOWPLATE_MASTER_KEY: broker().masterKey } });
  expect(listed.stdout).toMatch(/MINTED BY/);
  expect(listed.stdout.match(/flk_\w+/g)).toEqual([minted.key_id]);
  expect(listed.stdout).toContain(id);
});
