import { expect, test } from 'vitest';
import { LastUses } from '../../src/verify/last-uses.ts';

/** Keeps what is saved, or refuses as often as it is told to. */
function recipient() {
  const saved: Record<string, number>[] = [];
  const state = { refusals: 0 };
  const save = async (uses: ReadonlyMap<string, number>) => {
    await new Promise((resolve) => setImmediate(resolve));
    if (state.refusals-- > 0) throw new Error('away');
    saved.push(Object.fromEntries(uses));
  };
  return { saved, state, save };
}

test('the newest use of each key is saved, once', async () => {
  const { saved, save } = recipient();
  const uses = new LastUses(save, () => undefined);
  uses.note('flm_1', 1);
  uses.note('flm_2', 2);
  uses.note('flm_1', 3);
  await uses.flush();
  await uses.flush();
  expect(saved).toEqual([{ flm_1: 3, flm_2: 2 }]);
});

test('what could not be saved goes with the next, unless the key was used again meanwhile', async () => {
  const { saved, state, save } = recipient();
  const uses = new LastUses(save, () => undefined);
  state.refusals = 1;
  uses.note('flm_1', 1);
  uses.note('flm_2', 2);
  const failed = uses.flush();
  uses.note('flm_1', 3);
  await expect(failed).rejects.toThrow('away');
  await uses.close();
  expect(saved).toEqual([{ flm_1: 3, flm_2: 2 }]);
});
