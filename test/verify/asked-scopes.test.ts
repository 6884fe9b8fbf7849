import { expect, test } from 'vitest';
import { type AskedScope, askedScopesMax } from '../../src/domain/asked-scope.ts';
import { AskedScopes } from '../../src/verify/asked-scopes.ts';

/** Keeps what is saved, or refuses as often as it is told to. */
function newScopes() {
  const saves: string[][] = [];
  const state = { refusals: 0 };
  const scopes = new AskedScopes(
    async (asked) => {
      if (state.refusals-- > 0) throw new Error('away');
      saves.push(asked.map(textOf));
    },
    () => undefined,
  );
  return { scopes, saves, state };
}

const textOf = ({ organizationId, scope }: AskedScope) => `${organizationId} ${scope ?? '(more)'}`;
const numbered = (count: number) => Array.from({ length: count }, (_, index) => `scope:${index}`);

test('a scope is told once, for each organization that it is asked in', async () => {
  const { scopes, saves } = newScopes();
  for (let call = 0; call < 3; call++) scopes.note('org_1', ['read', 'write']);
  scopes.note('org_2', ['read']);
  scopes.note('org_2', []);
  await scopes.flush();
  scopes.note('org_1', ['write', 'read']);
  scopes.note('org_2', ['admin']);
  await scopes.flush();
  await scopes.flush();
  expect(saves).toEqual([['org_1 read', 'org_1 write', 'org_2 read'], ['org_2 admin']]);
});

test('a scope that could not be saved goes with the next save', async () => {
  const { scopes, saves, state } = newScopes();
  state.refusals = 1;
  scopes.note('org_1', ['read']);
  await expect(scopes.flush()).rejects.toThrow('away');
  scopes.note('org_1', ['read', 'write']);
  await scopes.close();
  expect(saves).toEqual([['org_1 read', 'org_1 write']]);
});

test('everything is told anew after it was forgotten', async () => {
  const { scopes, saves } = newScopes();
  for (let round = 0; round < 2; round++) {
    scopes.note('org_1', ['read']);
    await scopes.flush();
    scopes.forget();
  }
  expect(saves).toEqual([['org_1 read'], ['org_1 read']]);
});

test('an organization with more scopes than are kept is told as incomplete, at each save, and no other', async () => {
  const { scopes, saves } = newScopes();
  for (let round = 0; round < 2; round++) {
    scopes.note('org_1', numbered(askedScopesMax + 5));
    scopes.note('org_2', ['read']);
    await scopes.flush();
  }
  expect(saves[0]).toHaveLength(askedScopesMax + 2);
  expect(saves[0]?.slice(-2)).toEqual(['org_1 (more)', 'org_2 read']);
  expect(saves[1]).toEqual(['org_1 (more)']);
});

test('when all the room is taken, all organizations are told as incomplete, and the next save makes room', async () => {
  const { scopes, saves } = newScopes();
  const some = numbered(askedScopesMax);
  for (let organization = 0; organization < 51; organization++) scopes.note(`org_${organization}`, some);
  await scopes.flush();
  scopes.note('org_200', ['read']);
  await scopes.flush();
  expect(saves[0]).toHaveLength(50 * askedScopesMax + 1);
  expect(saves[0]?.at(-1)).toBe('* (more)');
  expect(saves[1]).toEqual(['org_200 read']);
});
