import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { FlowplateVerifier } from '../../src/sdk/verifier.ts';
import { freshKeys, type KeySource } from './fresh-keys.ts';
import type { EmbedJob, EmbedResult } from './jobs.ts';

/** Parallel fetches while memory is filled. */
const fetchesAtOnce = 64;

/** Between batches, heartbeats and usage reports run, as between the requests of a gateway. */
const decisionsAtATime = 1_000;

type Running = { verifier: FlowplateVerifier; keys: KeySource; faults: unknown[] };

let running: Promise<Running> | undefined;

/**
 * Embedded verifier in a loop: decisions from memory, counted and reported, under the lease. It
 * starts with the first job, and goes on until the last one, which hands its counts over.
 */
export async function runEmbedded(job: EmbedJob): Promise<EmbedResult> {
  running ??= start(job);
  const { verifier, keys, faults } = await running;
  const cpu = process.cpuUsage();
  const startedMs = performance.now();
  const decided = await decideFor(verifier, keys, job.windowMs);
  const perSecond = (decided / (performance.now() - startedMs)) * 1_000;
  const { user, system } = process.cpuUsage(cpu);
  if (job.isLast) await verifier.close();
  if (faults.length > 0) throw new Error(`${faults.length} faults, the first: ${String(faults[0])}`);
  return { perSecond, decided, micros: (user + system) / decided };
}

async function start(job: EmbedJob): Promise<Running> {
  const { brokerUrl, masterKey, keysFile, count } = job;
  const { FlowplateVerifier: Verifier } = await import(join(job.checkout, 'src/sdk/verifier.ts'));
  const faults: unknown[] = [];
  const onFault = (error: unknown) => void faults.push(error);
  const verifier: FlowplateVerifier = new Verifier({ baseUrl: brokerUrl, masterKey, onFault });
  await verifier.start();
  const keys = freshKeys(keysFile, count);
  let next = 0;
  const fill = async () => {
    while (next < count) requireValid(await verifier.verify({ key: keys.at(next++) }));
  };
  await Promise.all(Array.from({ length: fetchesAtOnce }, fill));
  return { verifier, keys, faults };
}

async function decideFor(verifier: FlowplateVerifier, keys: KeySource, forMs: number): Promise<number> {
  const endMs = performance.now() + forMs;
  let decided = 0;
  while (performance.now() < endMs) {
    for (let index = 0; index < decisionsAtATime; index++) {
      requireValid(verifier.verifyNow({ key: keys.draw() }));
    }
    decided += decisionsAtATime;
    await nextTurn();
  }
  return decided;
}

function requireValid(verdict: { valid: boolean } | undefined): void {
  if (verdict?.valid !== true) throw new Error(`Not an allow from memory: ${JSON.stringify(verdict)}`);
}
