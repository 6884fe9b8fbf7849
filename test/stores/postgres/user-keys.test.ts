import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { newId } from '../../../src/domain/ids.ts';
import { type Key, type KeyStatus, statusAt } from '../../../src/domain/user-key.ts';
import { insertSuccessor, listKeys } from '../../../src/stores/postgres/user-keys/user-keys.ts';
import { openStores } from '../../support/stores.ts';
import { mintRequest } from '../../support/use-case-parts.ts';

const stores = await openStores();
const { db } = stores;
afterAll(() => stores.close());

const now = new Date('2030-03-01T00:00:00.000Z');
const all = { organizationIds: null, environments: null, now };

/** Instants around the one that matters, the boundary itself among them. */
const instants = fc.constantFrom(-86_400_000, -1, 0, 1, 86_400_000).map((ms) => new Date(now.getTime() + ms));
const generated = fc.record({
  status: fc.constantFrom<KeyStatus>('active', 'superseded', 'quarantined', 'revoked', 'expired'),
  enabled: fc.boolean(),
  expiresAt: fc.option(instants),
  graceEnd: instants,
  quarantineEnd: instants,
  wasInGrace: fc.boolean(),
});

const keys: Key[] = fc
  .sample(generated, { numRuns: 400, seed: 7 })
  .map(({ graceEnd, quarantineEnd, wasInGrace, ...some }, index) => {
    const id = newId('key', new Date(now.getTime() - index), randomBytes);
    return {
      ...mintRequest(),
      ...some,
      id,
      lineageId: id,
      keyPrefix: 'fl_user_test_00000000',
      activatedAt: null,
      supersededUntil:
        some.status === 'superseded' || (some.status === 'quarantined' && wasInGrace) ? graceEnd : null,
      quarantinedUntil: some.status === 'quarantined' ? quarantineEnd : null,
      mintedBy: null,
      mintNumber: null,
      revokedAt: null,
      revokedReason: null,
      createdAt: now,
      updatedAt: now,
      revision: 1,
    };
  });

beforeAll(async () => {
  await db.transaction().execute(async (tx) => {
    for (const key of keys) {
      await insertSuccessor(tx, key, { pepperId: 'p1', digest: randomBytes(32) });
      const { supersededUntil: superseded_until, quarantinedUntil: quarantined_until } = key;
      const status = key.status === 'quarantined' ? 'revoked' : key.status;
      const stored = { status, superseded_until, quarantined_until };
      await tx.updateTable('api_keys').set(stored).where('id', '=', key.id).execute();
    }
  });
});

/** Status in a list: the row's, except for disabled active keys. */
function listedAs(key: Key): KeyStatus | 'disabled' {
  const status = statusAt(key, now);
  return status === 'active' && !key.enabled ? 'disabled' : status;
}

describe('the status by which keys are listed is the status by which they are judged', () => {
  test.each(['active', 'disabled', 'superseded', 'quarantined', 'revoked', 'expired'] as const)(
    '%s',
    async (status) => {
      const expected = keys.filter((key) => listedAs(key) === status).map(({ id }) => id);
      const listed = await listKeys(db, { ...all, status }, 1_000);
      expect(expected.length).toBeGreaterThan(0);
      expect(listed.map(({ id }) => id).sort()).toEqual([...expected].sort());
    },
  );

  test('and every key has exactly one', async () => {
    const statuses = ['active', 'disabled', 'superseded', 'quarantined', 'revoked', 'expired'] as const;
    const counts = await Promise.all(statuses.map((status) => listKeys(db, { ...all, status }, 1_000)));
    expect(counts.flat()).toHaveLength(keys.length);
  });
});

test('pages follow one another newest first, without gap or overlap, while keys are minted', async () => {
  const seen: string[] = [];
  for (let before: string | undefined; ; ) {
    const page = await listKeys(db, all, 60, before);
    seen.push(...page.map(({ id }) => id));
    before = page.at(-1)?.id;
    if (before === undefined) break;
    const id = newId('key', new Date(now.getTime() + seen.length), randomBytes);
    const newer = { ...(keys[0] as Key), ...mintRequest(), id, lineageId: id };
    await db
      .transaction()
      .execute((tx) => insertSuccessor(tx, newer, { pepperId: 'p1', digest: randomBytes(32) }));
  }
  expect(seen).toEqual([...keys.map(({ id }) => id)].sort().reverse());
});

test('a caller with allow-lists is shown what both of them allow, and with an empty one nothing', async () => {
  const shown = (organizationIds: string[] | null, environments: string[] | null) =>
    listKeys(db, { ...all, organizationIds, environments }, 1_000);
  const everything = await shown(null, null);
  expect(await shown(['org_1'], ['test'])).toEqual(everything);
  expect(await shown(['org_2'], null)).toEqual([]);
  expect(await shown(['org_1'], ['prod'])).toEqual([]);
  expect(await shown([], null)).toEqual([]);
  expect(await shown(null, [])).toEqual([]);
});
