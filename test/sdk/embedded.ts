import { FlowplateVerifier, type VerifierOptions } from '../../src/sdk/verifier.ts';
import { atEnd } from '../support/at-end.ts';
import type { TestBroker } from '../support/broker.ts';
import { eventually } from '../support/eventually.ts';

type At = Pick<TestBroker, 'url' | 'masterKey'>;

export type Embedded = FlowplateVerifier & { faults: unknown[] };

/** A verifier as a gateway embeds it, started, and closed when the file ends. */
export async function embed(broker: At, options: Partial<VerifierOptions> = {}): Promise<Embedded> {
  const faults: unknown[] = [];
  const verifier = new FlowplateVerifier({
    baseUrl: broker.url,
    masterKey: broker.masterKey,
    onFault: (fault) => void faults.push(fault),
    ...options,
  });
  atEnd(() => verifier.close());
  await verifier.start();
  return Object.assign(verifier, { faults });
}

/** The same with its lease, which a busy broker may give at a later attempt. */
export async function embedHoldingLease(broker: At, options: Partial<VerifierOptions> = {}) {
  const verifier = await embed(broker, options);
  await eventually(
    10_000,
    () => verifier.isLeaseHeld(),
    (isHeld) => isHeld,
  );
  return verifier;
}

/** Verified until memory knows the key; answers with the code that memory gives. */
export async function warm(verifier: FlowplateVerifier, key: string): Promise<string | undefined> {
  await eventually(
    5_000,
    async () => {
      await verifier.verify({ key });
      return verifier.verifyNow({ key });
    },
    (verdict) => verdict !== undefined,
  );
  return verifier.verifyNow({ key })?.code;
}

export async function codeOf(verifier: FlowplateVerifier, key: string): Promise<string> {
  return (await verifier.verify({ key })).code;
}
