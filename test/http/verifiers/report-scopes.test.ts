import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { testAccess } from '../../support/access.ts';
import { startBroker, type TestBroker } from '../../support/broker.ts';
import type { CallOptions } from '../../support/call.ts';
import { expectError, expectViolations } from '../../support/errors.ts';
import { mint } from '../../support/keys.ts';
import { setStatus } from '../../support/organization-status.ts';
import { neverRegistered, register, verifiersPath } from './verifier-calls.ts';

let broker: TestBroker;
let verifier_id: string;
beforeAll(async () => {
  broker = await startBroker();
  ({ verifier_id } = await register(broker));
});
afterAll(() => broker.close());

const report = (body: object, { id = verifier_id, ...options }: CallOptions & { id?: string } = {}) =>
  broker.call(`POST ${verifiersPath}/${id}/scopes`, {
    body: { asked: [], incomplete: [], ...body },
    ...options,
  });

/** Rows that reports have written: scopes, and organizations whose record begins anew. */
async function written() {
  const scopes = await broker.db
    .selectFrom('asked_scopes')
    .select(['organization_id', 'scope'])
    .orderBy('organization_id')
    .orderBy('scope')
    .execute();
  const begun = await broker.db.selectFrom('scope_records').select('organization_id').execute();
  return {
    asked: scopes.map((row) => [row.organization_id, row.scope]),
    begun: begun.map((row) => row.organization_id).sort(),
  };
}

const isReporting = async (id: string) =>
  (
    await broker.db
      .selectFrom('verifiers')
      .select('reports_scopes')
      .where('id', '=', id)
      .executeTakeFirstOrThrow()
  ).reports_scopes;

testAccess(() => broker, `POST ${verifiersPath}/${neverRegistered}/scopes`, 'keys:verify:embedded');

test('404: a verifier that is not registered, or is of another master key', async () => {
  const { organization_id } = await mint(broker);
  const asked = [[organization_id, 'read']];
  expectError(await report({ asked }, { id: neverRegistered }), 404, 'VERIFIER_NOT_FOUND');
  const { secret: as } = await broker.createMasterKey({ permissions: ['keys:verify:embedded'] });
  expectError(await report({ asked }, { as }), 404, 'VERIFIER_NOT_FOUND');
  expect(await written()).toEqual({ asked: [], begun: [] });
});

test('422: what no scope can be, and too many at once', async () => {
  expectViolations(await report({ asked: [['org_1', 'a b']] }), 'asked.0.1');
  expectViolations(await report({ asked: [['*', 'read']] }), 'asked.0.0');
  expectViolations(await report({ asked: Array(201).fill(['org_1', 'read']) }), 'asked');
  expectViolations(await report({ incomplete: ['?'] }), 'incomplete.0');
});

describe('204', () => {
  test('scopes are written down for organizations that exist and that the master key may see', async () => {
    const [own, foreign, deleted] = [await mint(broker), await mint(broker), await mint(broker)];
    await setStatus(broker, deleted.organization_id, 'deleted');
    const organizationIds = [own.organization_id, deleted.organization_id];
    const { secret: as } = await broker.createMasterKey({ organizationIds });
    const { verifier_id: id } = await register(broker, { as });
    expect(await isReporting(id)).toBe(false);
    const asked = [
      [own.organization_id, 'read'],
      [own.organization_id, 'read'],
      [own.organization_id, 'write'],
      [foreign.organization_id, 'read'],
      [deleted.organization_id, 'read'],
    ];
    const incomplete = [own.organization_id, foreign.organization_id];
    expect((await report({ asked, incomplete }, { as, id })).status).toBe(204);
    expect((await report({ asked }, { as, id })).status).toBe(204);
    expect(await written()).toEqual({
      asked: [
        [own.organization_id, 'read'],
        [own.organization_id, 'write'],
      ],
      begun: [own.organization_id],
    });
    expect(await isReporting(id)).toBe(true);
    const made = { asked: [['org_made_up', 'read']], incomplete: ['org_made_up'] };
    expect((await report(made)).status).toBe(204);
    expect((await written()).begun).toEqual([own.organization_id]);
  });

  test('"*" is all that the master key may see', async () => {
    const one = await mint(broker);
    const { secret: as } = await broker.createMasterKey({ organizationIds: [one.organization_id] });
    const { verifier_id: id } = await register(broker, { as });
    expect((await report({ incomplete: ['*'] }, { as, id })).status).toBe(204);
    const { begun } = await written();
    expect(begun).toContain(one.organization_id);
    expect(begun).not.toContain('*');
    expect((await report({ incomplete: ['*'] })).status).toBe(204);
    expect((await written()).begun).toContain('*');
  });
});
