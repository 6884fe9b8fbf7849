import { setTimeout as sleep } from 'node:timers/promises';
import { decisionMsMax } from '../../src/domain/forward-auth/outcome.ts';
import type { Answer, Call } from '../support/call.ts';
import { keyCalls, type Minted } from '../support/key-calls.ts';
import { servedBy } from './fleet.ts';
import type { Witness } from './witness.ts';

/** Verifies a key in one way, and answers with the code of its verdict. */
export type Verify = (key: string) => Promise<string>;

/**
 * Forward auth, which decides within a time that a busy machine exceeds. JSON waits for longer, so
 * an upgrade that holds up verifications fails there.
 */
const late = 'LATE';

/** Calls of a line of keys that got a verdict. */
export type Counted = { accepted: number; refused: number };

const pauseMs = 10;
const steadyKeys = 8;

/**
 * Verifies the same keys in every way that there is, and lets other keys live from mint to revoke.
 * Notes each call that failed, each verdict that was wrong, and each verdict by the line of its
 * key.
 */
export class UpgradeLoad {
  readonly failed: string[] = [];
  readonly wrong: string[] = [];
  readonly counted = new Map<string, Counted>();
  /** Calls without a verdict while the machine did not keep up, by the line of the key. */
  readonly late = new Map<string, number>();
  /** Verdicts by the way in which they were asked for. */
  readonly verdicts = new Map<string, number>();
  /** Revokes that were answered `complete`. */
  revoked = 0;
  readonly #call: Call;
  readonly #witness: Witness;
  readonly #keys: ReturnType<typeof keyCalls>;
  readonly #ways = new Map<string, Verify>();
  readonly #running: Promise<void>[] = [];
  readonly #steady: Minted[] = [];
  #isStopped = false;

  constructor(call: Call, witness: Witness) {
    this.#call = call;
    this.#witness = witness;
    this.#keys = keyCalls(call);
  }

  async start(): Promise<void> {
    while (this.#steady.length < steadyKeys) {
      const minted = await this.#keys.mint().catch(() => undefined);
      if (minted !== undefined) this.#steady.push(minted);
    }
    this.add('JSON', async (key) => {
      const answer = await this.#keys.verify(key);
      return answer.body.code ?? describe(answer);
    });
    this.add('forward auth', (key) => this.#authorize(key));
    this.#running.push(this.#repeat(() => this.#liveThrough()));
  }

  /** One more way to verify, from now on. */
  add(way: string, verify: Verify): void {
    this.#ways.set(way, verify);
    let next = 0;
    const turn = () => {
      const { key, keyId } = this.#steady[next++ % this.#steady.length] as Minted;
      return this.#expect(way, key, keyId, 'VALID');
    };
    this.#running.push(this.#repeat(turn));
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await Promise.all(this.#running);
  }

  async #authorize(key: string): Promise<string> {
    const startedMs = performance.now();
    const answer = await this.#call('GET /v1/flowplate/authz', { headers: { 'x-api-key': key } });
    const { status } = answer;
    if (status === 503 && performance.now() - startedMs >= decisionMsMax) return late;
    // It does not tell why; no key of this load is refused for another reason.
    return { 200: 'VALID', 401: 'REVOKED' }[status] ?? describe(answer);
  }

  async #repeat(turn: () => Promise<void>): Promise<void> {
    while (!this.#isStopped) {
      await turn();
      await sleep(pauseMs);
    }
  }

  async #liveThrough(): Promise<void> {
    let startedMs = performance.now();
    const step = <Result>(call: Promise<Result>) => {
      startedMs = performance.now();
      return call;
    };
    try {
      const { key, keyId, userId } = await step(this.#keys.mint());
      await this.#expectEverywhere(key, keyId, 'VALID');
      const { new_key } = await step(this.#keys.refresh(userId));
      await this.#expectEverywhere(new_key.key, keyId, 'VALID');
      const { propagation } = await step(this.#keys.revoke(userId));
      if (propagation !== 'complete') return;
      this.revoked += 1;
      await this.#expectEverywhere(new_key.key, keyId, 'REVOKED');
    } catch (fault) {
      if (!this.#witness.wasSlow(startedMs)) this.failed.push(String(fault));
    }
  }

  async #expectEverywhere(key: string, lineageId: string, code: string): Promise<void> {
    await Promise.all([...this.#ways.keys()].map((way) => this.#expect(way, key, lineageId, code)));
  }

  async #expect(way: string, key: string, lineageId: string, code: string): Promise<void> {
    const verify = this.#ways.get(way) as Verify;
    const startedMs = performance.now();
    const got = await verify(key).catch(String);
    if (got !== 'VALID' && got !== 'REVOKED') {
      if (got !== late && !this.#witness.wasSlow(startedMs)) this.failed.push(`${way}: ${got}`);
      // It may have been counted.
      else this.late.set(lineageId, (this.late.get(lineageId) ?? 0) + 1);
      return;
    }
    if (got !== code) this.wrong.push(`${way}: ${got} instead of ${code}`);
    this.verdicts.set(way, (this.verdicts.get(way) ?? 0) + 1);
    const { accepted, refused } = this.counted.get(lineageId) ?? { accepted: 0, refused: 0 };
    const counted =
      got === 'VALID' ? { accepted: accepted + 1, refused } : { accepted, refused: refused + 1 };
    this.counted.set(lineageId, counted);
  }

  /** Lines whose calls were not counted exactly once. Empty: all were. */
  miscounted(inPostgres: ReadonlyMap<string, Counted>): string[] {
    return [...this.counted].flatMap(([lineageId, told]) => {
      const { accepted, refused } = inPostgres.get(lineageId) ?? { accepted: 0, refused: 0 };
      const beyond = [accepted - told.accepted, refused - told.refused];
      const isExact = Math.min(...beyond) >= 0 && Math.max(...beyond) <= (this.late.get(lineageId) ?? 0);
      return isExact ? [] : [`${lineageId}: ${beyond} more than told`];
    });
  }
}

/** Without a header of ours the balancer itself has answered: it knew no process that is ready. */
function describe({ status, body, headers }: Answer): string {
  return `${status} ${JSON.stringify(body)} by ${headers.get(servedBy) ?? 'the balancer'}`;
}
