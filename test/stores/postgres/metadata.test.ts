import fc from 'fast-check';
import { sql } from 'kysely';
import { afterAll, expect, test } from 'vitest';
import { metadataFault } from '../../../src/domain/metadata.ts';
import { openStores } from '../../support/stores.ts';

const stores = await openStores();
afterAll(() => stores.close());

async function stored(value: unknown): Promise<unknown> {
  const { rows } = await sql<{ value: unknown }>`SELECT ${JSON.stringify(value)}::jsonb AS value`.execute(
    stores.db,
  );
  return rows[0]?.value;
}

/** Among the letters the two that jsonb refuses: NUL, and half of a surrogate pair. */
const letters = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 1 }),
  fc.constantFrom('\0', '\ud83d', '\udc4b', '\\\\u0000'),
);
const texts = fc.array(letters, { maxLength: 6 }).map((parts) => parts.join(''));
const leaves = fc.oneof(texts, fc.double(), fc.boolean(), fc.constant(null), fc.maxSafeInteger());
const { tree } = fc.letrec((tie) => ({
  tree: fc.oneof({ depthSize: 'small', withCrossShrink: true }, leaves, tie('list'), tie('record')),
  list: fc.array(tie('tree'), { maxLength: 4 }),
  record: fc.dictionary(texts, tie('tree'), { maxKeys: 4 }),
}));

test('accepted metadata can be stored, and comes back unchanged', async () => {
  let accepted = 0;
  const property = fc.asyncProperty(fc.dictionary(texts, tree, { maxKeys: 4 }), async (value) => {
    if (metadataFault(value) !== undefined) return;
    accepted += 1;
    // JSON has no minus zero.
    const asJson = JSON.parse(JSON.stringify(value));
    expect(await stored(asJson)).toEqual(asJson);
  });
  await fc.assert(property, { numRuns: 400 });
  expect(accepted).toBeGreaterThan(50);
});

test.each([[{ a: '\0' }], [{ '\0': 1 }], [{ a: '\ud83d' }], [{ '\udc4b': 1 }]])(
  'what cannot be stored, like %j, is refused before it is tried',
  async (value) => {
    await expect(stored(value)).rejects.toMatchObject({ code: expect.stringMatching(/^22P0[25]$/) });
    expect(metadataFault(value)).toEqual(expect.any(String));
  },
);
