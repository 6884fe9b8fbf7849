import { SavedUses } from './saved-uses.ts';

/**
 * Accepted uses of a superseded key through one gateway. An embedded verifier reports the line of a
 * key and not the key itself (`isLine`).
 */
export type SupersededUse = {
  of: string;
  isLine: boolean;
  masterKeyId: string;
  firstAtMs: number;
  lastAtMs: number;
};

type SaveUses = (uses: readonly SupersededUse[]) => Promise<void>;

/**
 * About 200 KB. Keys in their grace are few. More of them at once are left out until the next save,
 * and are noted at a later use.
 */
const usesMax = 1_000;

/**
 * Gateways that still use superseded keys, by key and master key. A verification writes nothing.
 */
export class SupersededUses extends SavedUses<SupersededUse> {
  constructor(save: SaveUses, onFault: (error: unknown) => void) {
    super({ save: (uses) => save([...uses.values()]), onFault, merge, namesMax: usesMax });
  }

  noteKey(keyId: string, masterKeyId: string, nowMs: number): void {
    const atMs = Math.floor(nowMs);
    this.#note({ of: keyId, isLine: false, masterKeyId, firstAtMs: atMs, lastAtMs: atMs });
  }

  noteLine(lineageId: string, masterKeyId: string, times: { firstAtMs: number; lastAtMs: number }): void {
    const { firstAtMs, lastAtMs } = times;
    this.#note({ of: lineageId, isLine: true, masterKeyId, firstAtMs, lastAtMs });
  }

  #note(use: SupersededUse): void {
    this.add(`${use.isLine ? 'line' : 'key'} ${use.of} ${use.masterKeyId}`, use);
  }
}

function merge(one: SupersededUse, other: SupersededUse): SupersededUse {
  const firstAtMs = Math.min(one.firstAtMs, other.firstAtMs);
  return { ...one, firstAtMs, lastAtMs: Math.max(one.lastAtMs, other.lastAtMs) };
}
