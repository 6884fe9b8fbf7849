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

/** As for the last uses of master keys: one write in ten seconds is cheap. */
const saveEveryMs = 10_000;

/**
 * About 200 KB. Keys in their grace are few. More of them at once are left out until the next save,
 * and are noted at a later use.
 */
const usesMax = 1_000;

/**
 * Which gateways still use superseded keys: summed in memory by key and master key, and saved every
 * ten seconds, so that a verification writes nothing. A failed save is retried with the next one. A
 * killed process loses what is unsaved.
 */
export class SupersededUses {
  readonly #save: SaveUses;
  readonly #onFault: (error: unknown) => void;
  #uses = new Map<string, SupersededUse>();
  #timer: NodeJS.Timeout | undefined;

  constructor(save: SaveUses, onFault: (error: unknown) => void) {
    this.#save = save;
    this.#onFault = onFault;
  }

  start(): void {
    this.#timer = setInterval(() => void this.flush().catch(this.#onFault), saveEveryMs);
  }

  noteKey(keyId: string, masterKeyId: string, nowMs: number): void {
    const atMs = Math.floor(nowMs);
    this.#note({ of: keyId, isLine: false, masterKeyId, firstAtMs: atMs, lastAtMs: atMs });
  }

  noteLine(lineageId: string, masterKeyId: string, times: { firstAtMs: number; lastAtMs: number }): void {
    const { firstAtMs, lastAtMs } = times;
    this.#note({ of: lineageId, isLine: true, masterKeyId, firstAtMs, lastAtMs });
  }

  async flush(): Promise<void> {
    const taken = [...this.#uses.values()];
    if (taken.length === 0) return;
    this.#uses = new Map();
    try {
      await this.#save(taken);
    } catch (error) {
      for (const use of taken) this.#note(use);
      throw error;
    }
  }

  close(): Promise<void> {
    clearInterval(this.#timer);
    return this.flush();
  }

  #note(use: SupersededUse): void {
    const name = `${use.isLine ? 'line' : 'key'} ${use.of} ${use.masterKeyId}`;
    const known = this.#uses.get(name);
    if (known === undefined) {
      if (this.#uses.size < usesMax) this.#uses.set(name, { ...use });
      return;
    }
    known.firstAtMs = Math.min(known.firstAtMs, use.firstAtMs);
    known.lastAtMs = Math.max(known.lastAtMs, use.lastAtMs);
  }
}
