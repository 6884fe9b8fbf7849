import { randomBytes, randomUUID } from 'node:crypto';
import { FairBulkhead } from '../../src/concurrency/fair-bulkhead.ts';
import { KeyedQueue } from '../../src/concurrency/keyed-queue.ts';
import { SingleFlight } from '../../src/concurrency/single-flight.ts';
import type { Clock } from '../../src/domain/clock.ts';
import { type Keyring, newPepper } from '../../src/domain/key-digest.ts';
import { masterKeyPermissions } from '../../src/domain/permission.ts';
import type { Caller, MasterKeyPrincipal } from '../../src/domain/principal.ts';
import { unsetSettings } from '../../src/domain/user-key.ts';
import { PropagationWatch } from '../../src/revocation/propagation-watch.ts';
import { sealedAnswerLookUps } from '../../src/stores/postgres/idempotency-keys.ts';
import { mintsInBatches } from '../../src/stores/postgres/user-keys/minted-keys.ts';
import { RememberedPolicies } from '../../src/usecases/organizations/remembered-policies.ts';
import { type MintParts, type MintRequest, mintKey } from '../../src/usecases/user-keys/mint-key.ts';
import { testMasterKey } from './callers.ts';
import type { TestStores } from './stores.ts';

/** Clock that moves only on request. */
export class WalkedClock implements Clock {
  #nowMs: number;

  constructor(at: Date) {
    this.#nowMs = at.getTime();
  }

  now(): Date {
    return new Date(this.#nowMs);
  }

  earliest(): Date {
    return this.now();
  }

  nowMs(): number {
    return this.#nowMs;
  }

  /** Moves both the server's clock and the monotonic one. */
  walk(ms: number): void {
    this.#nowMs += ms;
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  ageMs(serverMs: number): number {
    return Math.max(0, this.#nowMs - serverMs);
  }
}

const machineClock: Clock = { now: () => new Date(), earliest: () => new Date() };

export const testKeyring: Keyring = [newPepper('p1', randomBytes(32))];

/** Dependencies of use cases over the stores of the test. */
export function useCaseParts(stores: Pick<TestStores, 'db'>, clock: Clock = machineClock) {
  return {
    db: stores.db,
    clock,
    randomBytes,
    keyring: testKeyring,
    environment: 'test',
    propagation: new PropagationWatch(stores.db, 3_000),
    turns: new KeyedQueue(),
    connections: new FairBulkhead({ runningMax: 2, waitingMax: 5_000, refusal: 'OVERLOADED' }),
    insertMint: mintsInBatches(stores.db),
    findSealedAnswer: sealedAnswerLookUps(stores.db),
    policies: new RememberedPolicies(),
    homes: new SingleFlight(),
    obstacles: new FairBulkhead({ runningMax: 2, waitingMax: 5_000, refusal: 'OVERLOADED' }),
    noteMint: (() => () => undefined) as MintParts['noteMint'],
    strictOrganizations: false,
  };
}

export type UseCaseParts = ReturnType<typeof useCaseParts>;

/** Master key with every right, or with fewer. */
export function callerWith(limits: Partial<MasterKeyPrincipal> = {}): Caller<MasterKeyPrincipal> {
  const rights = { permissions: masterKeyPermissions, organizationIds: null, environments: null };
  const principal: MasterKeyPrincipal = {
    kind: 'master_key',
    id: testMasterKey.id,
    name: testMasterKey.name,
    ...rights,
    ...limits,
  };
  return { principal, requestId: 'req_test' };
}

/** A key for a user of its own, without limits unless the test wants some. */
export function mintRequest(changed: Partial<MintRequest> = {}): MintRequest {
  return {
    userId: `user_${randomUUID()}`,
    organizationId: 'org_1',
    environment: 'test',
    ...unsetSettings,
    ...changed,
  };
}

export async function mintedKey(parts: UseCaseParts, changed: Partial<MintRequest> = {}) {
  const request = mintRequest(changed);
  const { answer } = await mintKey(parts, callerWith(), request);
  return { ...answer, request };
}
