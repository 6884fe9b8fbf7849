import { cp, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { projectRoot } from '../../../scripts/services/project-root.ts';
import type { OrganizationPrincipal } from '../../../src/domain/principal.ts';
import type { Tx } from '../../../src/stores/postgres/database.ts';
import { inOrganization } from '../../../src/stores/postgres/organizations/row-scope.ts';
import { create, removeApiKey } from '../../support/api-keys.ts';
import { startBroker, type TestBroker } from '../../support/broker.ts';
import { type Edit, editedTexts } from '../../support/edited-source.ts';
import { mint, verify } from '../../support/keys.ts';
import { platformKey, tenantKey } from '../../support/platform-callers.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

let broker: TestBroker;
let own: { id: string; secret: string };
let foreign: { id: string; secret: string };
let platform: { id: string; secret: string };
let hidden: { key_id: string; key: string };
beforeAll(async () => {
  broker = await startBroker();
  own = await tenantKey(broker, 'org_own');
  foreign = await tenantKey(broker, 'org_foreign');
  platform = await platformKey(broker);
  hidden = await mint(broker, { organization_id: 'org_own' });
  const headers = { authorization: `Bearer ${own.secret}`, 'idempotency-key': 'kept' };
  const kept = await create(broker, headers, { name: 'kept' });
  await removeApiKey(broker, headers, kept.body.id);
  for (const key of [own.secret, foreign.secret, platform.secret, hidden.key]) await verify(broker, key);
  await broker.settleUsage();
});
afterAll(() => broker.close());

const insertKey = (kind: string, organizationId: string) => `
  INSERT INTO api_keys (id, kind, organization_id, lineage_id, user_id, environment, pepper_id, digest, key_prefix,
    metadata, scopes, created_at, updated_at)
  VALUES ('ak_x', '${kind}', '${organizationId}', 'ak_x', 'ak_x', 'default', 'p1', 'x', 'x', '{}', '{}', now(), now())`;

const inTenant = <T>(run: (tx: Tx) => Promise<T>) => inOrganization(broker.db, 'org_own', run);

async function rowsOf(table: string): Promise<Record<string, unknown>[] | 'denied'> {
  try {
    const read = inTenant((tx) =>
      sql<Record<string, unknown>>`SELECT * FROM ${sql.table(table)}`.execute(tx),
    );
    return (await read).rows;
  } catch (error) {
    expect(String(error), table).toContain('permission denied');
    return 'denied';
  }
}

describe('a transaction for a tenant whose statements say nothing of it', () => {
  test('reads its own rows of six tables, and nothing at all of any other', async () => {
    const { rows } = await sql<{ name: string }>`
      SELECT table_name AS name FROM information_schema.tables
      WHERE table_schema = 'public' AND table_type = 'BASE TABLE' ORDER BY 1`.execute(broker.db);
    const tables = rows.map(({ name }) => name);
    for (const secret of ['platform_users', 'master_keys', 'signing_keys', 'roles', 'api_users']) {
      expect(tables).toContain(secret);
    }
    const seen: Record<string, Record<string, unknown>[]> = {};
    for (const table of tables) {
      const found = await rowsOf(table);
      if (found !== 'denied') seen[table] = found;
    }
    const ofOwn = expect.objectContaining({ organization_id: 'org_own' });
    expect(seen).toStrictEqual({
      api_keys: [expect.objectContaining({ id: own.id })],
      environments: [ofOwn, ofOwn],
      organizations: [expect.objectContaining({ id: 'org_own' })],
      usage_days: [expect.objectContaining({ lineage_id: own.id })],
      usage_hours: [expect.objectContaining({ lineage_id: own.id })],
      usage_totals: [expect.objectContaining({ lineage_id: own.id })],
    });
  });

  test('the owner of the tables sees what the tenant did not: the rows were there', async () => {
    const { rows } = await sql<{ keys: number; lines: number }>`
      SELECT (SELECT count(*) FROM api_keys) AS keys, (SELECT count(*) FROM usage_totals) AS lines`.execute(
      broker.db,
    );
    expect(rows[0]).toEqual({ keys: 4, lines: 4 });
  });

  test('changes and removes its own rows alone', async () => {
    const undone = new Error('undone');
    const changed = async (statement: string): Promise<number> => {
      let count = -1;
      const run = inTenant(async (tx) => {
        count = Number((await sql.raw(statement).execute(tx)).numAffectedRows);
        throw undone;
      });
      await run.catch((error) => {
        if (error !== undone) throw error;
      });
      return count;
    };
    expect(await changed("UPDATE api_keys SET status = 'revoked'")).toBe(1);
    expect(await changed('DELETE FROM api_keys')).toBe(1);
    expect(await changed('DELETE FROM environments')).toBe(2);
    expect(await changed('DELETE FROM idempotency_keys')).toBe(0);
  });

  test.each([
    ['a key of another tenant', insertKey('tenant', 'org_foreign')],
    ['a platform key', insertKey('platform', '_platform')],
    ['a hidden key', insertKey('user', 'org_own')],
    ['who owns a key', "UPDATE api_keys SET organization_id = 'org_foreign'"],
    ['what a key opens', "UPDATE api_keys SET scopes = ARRAY['admin']"],
    ['which secret a key has', "UPDATE api_keys SET digest = 'x'"],
    ['the status of an organization', "UPDATE organizations SET status = 'active'"],
    ['what the audit log holds', 'DELETE FROM audit_events'],
    [
      "another tenant's audit log",
      `INSERT INTO audit_events (id, event_type, actor_kind, actor_id, organization_id, target_id, details, created_at)
       VALUES ('evt_x', 'x', 'system', 'x', 'org_foreign', 'x', '{}', now())`,
    ],
    [
      'the feed, for an organization',
      "INSERT INTO key_changes (kind, subject_id, revision, status) VALUES ('organization', 'org_foreign', 9, 'active')",
    ],
    ['the counts', 'UPDATE api_key_counts SET total = 0'],
  ])('cannot write %s', async (_what, statement) => {
    const refused = inTenant((tx) => sql.raw(statement).execute(tx));
    await expect(refused).rejects.toThrow(/permission denied|row-level security/);
  });
});

describe('the use cases with their WHERE clause taken out', () => {
  const withoutWhere: Edit[] = [
    {
      file: 'src/stores/postgres/api-keys/api-keys.ts',
      from: ".where('kind', '=', 'tenant').where('organization_id', '=', organizationId)",
      to: '',
    },
    {
      file: 'src/stores/postgres/api-keys/filter.ts',
      // biome-ignore lint/suspicious/noTemplateCurlyInString: the text of a source file
      from: "[sql<boolean>`kind = 'tenant' AND organization_id = ${reach.organizationId}`]",
      to: '[]',
    },
  ];
  const withoutRole: Edit[] = [
    {
      file: 'src/stores/postgres/organizations/row-scope.ts',
      from: "set_config('role', 'flowplate_tenant', true), ",
      to: '',
    },
  ];
  const principal: OrganizationPrincipal = {
    ...{ kind: 'tenant_key', id: 'ak_test', name: 'test' },
    ...{ organizationId: 'org_own', impersonator: null },
  };

  /** For modules that this process loads, a copy with the changes. */
  async function copySource(edits: Edit[]): Promise<string> {
    const root = await temporaryDirectory();
    await cp(join(projectRoot, 'src'), join(root, 'src'), { recursive: true });
    await symlink(join(projectRoot, 'node_modules'), join(root, 'node_modules'));
    for (const [file, text] of await editedTexts(edits)) await writeFile(join(root, file), text);
    return root;
  }

  async function seenBy(edits: Edit[]) {
    const root = await copySource(edits);
    const load = (file: string) =>
      import(/* @vite-ignore */ pathToFileURL(join(root, 'src/usecases/api-keys', file)).href);
    const { listApiKeys } = await load('list-api-keys.ts');
    const { getApiKey } = await load('get-api-key.ts');
    const { items } = await listApiKeys(broker.api.parts, principal, { limit: 100 });
    const get = async (id: string): Promise<string> =>
      getApiKey(broker.api.parts, principal, id).then(
        () => 'found',
        (error: { code: string }) => error.code,
      );
    return {
      listed: items.map(({ apiKey }: { apiKey: { id: string } }) => apiKey.id).sort(),
      got: await Promise.all([own.id, foreign.id, platform.id, hidden.key_id].map(get)),
    };
  }

  test('still find nothing of another tenant, of the platform or of a user', async () => {
    const missing = 'KEY_NOT_FOUND';
    expect(await seenBy(withoutWhere)).toEqual({
      listed: [own.id],
      got: ['found', missing, missing, missing],
    });
  });

  test('control: without the role as well they would find all of it', async () => {
    const seen = await seenBy([...withoutWhere, ...withoutRole]);
    expect(seen.listed).toEqual([own.id, foreign.id, platform.id].sort());
    expect(seen.got).toEqual(['found', 'found', 'found', 'found']);
  });
});
