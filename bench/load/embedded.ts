import { setImmediate as nextTurn } from 'node:timers/promises';
import { FlowplateVerifier } from '../../src/sdk/verifier.ts';
import type { EmbedJob, EmbedResult } from './jobs.ts';
import { keyDrawer, readKeys } from './key-draw.ts';

/** Parallel fetches while memory is filled. */
const fetchesAtOnce = 64;

/** Between batches, heartbeats and usage reports run, as between the requests of a gateway. */
const decisionsAtATime = 1_000;

/** Embedded verifier in a loop: decisions from memory, counted and reported, under the lease. */
export async function runEmbedded(job: EmbedJob): Promise<EmbedResult> {
  const { brokerUrl, masterKey, rounds, windowMs } = job;
  const faults: unknown[] = [];
  const onFault = (error: unknown) => void faults.push(error);
  const verifier = new FlowplateVerifier({ baseUrl: brokerUrl, masterKey, onFault });
  await verifier.start();
  try {
    let verified = await fillMemory(verifier, job);
    const perSecond: number[] = [];
    for (let round = 0; round <= rounds; round++) {
      const startedMs = performance.now();
      const decided = await decideFor(verifier, job, windowMs);
      verified += decided;
      // Drops the first round, in which the engine still compiles.
      if (round > 0) perSecond.push((decided / (performance.now() - startedMs)) * 1_000);
    }
    await verifier.close();
    if (faults.length > 0) throw new Error(`${faults.length} faults, the first: ${String(faults[0])}`);
    return { perSecond, verified };
  } finally {
    await verifier.close();
  }
}

async function fillMemory(verifier: FlowplateVerifier, { keysFile, count }: EmbedJob): Promise<number> {
  const keys = readKeys(keysFile, count).values();
  const fill = async () => {
    for (const key of keys) requireValid(await verifier.verify({ key }));
  };
  await Promise.all(Array.from({ length: fetchesAtOnce }, fill));
  return count;
}

async function decideFor(verifier: FlowplateVerifier, job: EmbedJob, forMs: number): Promise<number> {
  const draw = keyDrawer({ ...job, draw: 'evenly' });
  const endMs = performance.now() + forMs;
  let decided = 0;
  while (performance.now() < endMs) {
    for (let index = 0; index < decisionsAtATime; index++) requireValid(verifier.verifyNow({ key: draw() }));
    decided += decisionsAtATime;
    await nextTurn();
  }
  return decided;
}

function requireValid(verdict: { valid: boolean } | undefined): void {
  if (verdict?.valid !== true) throw new Error(`Not an allow from memory: ${JSON.stringify(verdict)}`);
}
