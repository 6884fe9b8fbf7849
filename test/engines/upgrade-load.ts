import { setTimeout as sleep } from 'node:timers/promises';
import { decisionMsMax } from '../../src/domain/forward-auth/outcome.ts';
import type { Answer, Call } from '../support/call.ts';
import { keyCalls, type Minted } from '../support/key-calls.ts';
import { servedBy } from './fleet.ts';

/** Verifies a key in one way, and answers with the code of its verdict. */
export type Verify = (key: string) => Promise<string>;

/** What forward auth tells a gateway that waited for as long as it does. */
const late = 'LATE';

/** Calls of a line of keys that got a verdict. */
export type Counted = { accepted: number; refused: number };

const pauseMs = 10;

/**
 * Verifies the same keys in every way that there is, and lets other keys live from mint to revoke.
 * Notes each call that failed, each verdict that was wrong, and each verdict by the line of its
 * key.
 */
export class UpgradeLoad {
  readonly failed: string[] = [];
  readonly wrong: string[] = [];
  readonly counted = new Map<string, Counted>();
  /** Forward auth without a verdict in time, by the line of the key. */
  readonly late = new Map<string, number>();
  /** Verdicts by the way in which they were asked for. */
  readonly verdicts = new Map<string, number>();
  /** Revokes that were answered `complete`. */
  revoked = 0;
  readonly #call: Call;
  readonly #keys: ReturnType<typeof keyCalls>;
  readonly #ways = new Map<string, Verify>();
  readonly #running: Promise<void>[] = [];
  #steady: readonly Minted[] = [];
  #isStopped = false;

  constructor(call: Call) {
    this.#call = call;
    this.#keys = keyCalls(call);
  }

  async start(): Promise<void> {
    this.#steady = await Promise.all(Array.from({ length: 8 }, () => this.#keys.mint()));
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
    try {
      const { key, keyId, userId } = await this.#keys.mint();
      await this.#expectEverywhere(key, keyId, 'VALID');
      const { new_key } = await this.#keys.refresh(userId);
      await this.#expectEverywhere(new_key.key, keyId, 'VALID');
      const { propagation } = await this.#keys.revoke(userId);
      if (propagation !== 'complete') return;
      this.revoked += 1;
      await this.#expectEverywhere(new_key.key, keyId, 'REVOKED');
    } catch (fault) {
      this.failed.push(String(fault));
    }
  }

  async #expectEverywhere(key: string, lineageId: string, code: string): Promise<void> {
    await Promise.all([...this.#ways.keys()].map((way) => this.#expect(way, key, lineageId, code)));
  }

  async #expect(way: string, key: string, lineageId: string, code: string): Promise<void> {
    const verify = this.#ways.get(way) as Verify;
    const got = await verify(key).catch(String);
    // Forward auth decides within a time, and a busy machine exceeds it. JSON waits for longer, so
    // an upgrade that holds up verifications fails there. The call may have been counted.
    if (got === late) {
      this.late.set(lineageId, (this.late.get(lineageId) ?? 0) + 1);
      return;
    }
    if (got !== 'VALID' && got !== 'REVOKED') {
      this.failed.push(`${way}: ${got}`);
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
