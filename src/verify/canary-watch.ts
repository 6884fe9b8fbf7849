import type { CanaryUse } from '../domain/canary-key.ts';
import { parseIpAddress } from '../domain/ip-address.ts';
import { digestsOf, type KeyDigest, type Keyring } from '../domain/key-digest.ts';

export type Canary = { keyId: string; digest: string; createdAt: Date };
export type Used = { keyId: string; count: number; last: CanaryUse; current: KeyDigest };

export type CanaryWatchParts = {
  keyring: Keyring;
  /** Canary keys that were minted after a time; undefined for all. */
  load: (after: Date | undefined) => Promise<readonly Canary[]>;
  tell: (used: Used) => Promise<void>;
  onFault: (error: unknown) => void;
};

type Noted = { digests: readonly KeyDigest[]; use: CanaryUse };

const flushEveryMs = 1_000;
/** So many unknown keys are compared at once: less than a millisecond. */
const notedMax = 2_000;
/** A mint commits within this time after its row got its time. */
const commitMsMax = 60_000;

/**
 * Recognizes canary keys among keys that nobody has, or that are no credential of a call. All of
 * these are noted, and compared later, in a batch: a request never waits for it, and a canary takes
 * the path of any unknown key.
 *
 * The canaries are in memory, so a flood of unknown keys costs Postgres nothing and pushes no
 * canary out: what does not fit into a batch is compared at once. Before each batch that the timer
 * begins, the new canaries are read. In a flood, a canary that was minted less than a second ago by
 * another process can be missed; a killed process loses the uses of its last second.
 */
export class CanaryWatch {
  readonly #parts: CanaryWatchParts;
  #canaries = new Map<string, string>();
  #newest: Date | undefined;
  /** Ids of the peppers when all were read. */
  #peppers = '';
  #noted: Noted[] = [];
  #used = new Map<string, Used>();
  #flushing: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(parts: CanaryWatchParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#timer = setInterval(() => void this.flush().catch(this.#parts.onFault), flushEveryMs);
  }

  /** A key that nobody has. `ip` as the gateway has it. */
  note(key: string, ip: string | undefined, from: Omit<CanaryUse, 'ip'>): void {
    const { endpoint, masterKeyId, requestId } = from;
    const use = { endpoint, masterKeyId, requestId, ip: parseIpAddress(ip) ?? null };
    this.#noted.push({ digests: digestsOf(this.#parts.keyring, key), use });
    if (this.#noted.length >= notedMax) this.#compare();
  }

  /** Compares and tells now. Concurrent calls share one run. */
  flush(): Promise<void> {
    this.#flushing ??= this.#flushOnce().finally(() => {
      this.#flushing = undefined;
    });
    return this.#flushing;
  }

  close(): Promise<void> {
    clearInterval(this.#timer);
    return this.flush();
  }

  async #flushOnce(): Promise<void> {
    if (this.#noted.length === 0 && this.#used.size === 0) return;
    try {
      await this.#learn();
    } finally {
      this.#compare();
    }
    const used = this.#used;
    this.#used = new Map();
    for (const [keyId, uses] of used) {
      try {
        await this.#parts.tell(uses);
        used.delete(keyId);
      } catch (error) {
        for (const untold of used.values()) this.#add(untold);
        throw error;
      }
    }
  }

  async #learn(): Promise<void> {
    const peppers = this.#parts.keyring.map(({ id }) => id).join();
    // Others have moved canaries to the current pepper meanwhile.
    const isAll = this.#newest === undefined || peppers !== this.#peppers;
    const after = isAll ? undefined : new Date(Number(this.#newest) - commitMsMax);
    const loaded = await this.#parts.load(after);
    if (isAll) this.#canaries = new Map();
    for (const { keyId, digest, createdAt } of loaded) {
      this.#canaries.set(digest, keyId);
      this.#newest = createdAt;
    }
    this.#peppers = peppers;
  }

  #compare(): void {
    const noted = this.#noted;
    this.#noted = [];
    for (const { digests, use } of noted) {
      const keyId = digests
        .map(({ digest }) => this.#canaries.get(digest.toString('latin1')))
        .find((found) => found !== undefined);
      const [current] = digests;
      if (keyId !== undefined && current !== undefined) this.#add({ keyId, count: 1, last: use, current });
    }
  }

  #add(used: Used): void {
    const before = this.#used.get(used.keyId);
    this.#used.set(used.keyId, { ...used, count: used.count + (before?.count ?? 0) });
  }
}
