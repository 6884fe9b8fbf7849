import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { FlowplateVerifier } from '../../src/sdk/verifier.ts';
import { freshKeys, type KeySource } from './fresh-keys.ts';
import type { EmbedJob, EmbedResult } from './jobs.ts';

/** Parallel fetches while memory is filled. */
const fetchesAtOnce = 64;

/** Between batches, heartbeats and usage reports run, as between the requests of a gateway. */
const decisionsAtATime = 1_000;

/** Records live for five minutes, and a measurement on a busy machine waits between its windows. */
const filledMsMax = 200_000;

type Running = { verifier: FlowplateVerifier; keys: KeySource; faults: unknown[]; filledMs: number };

let running: Promise<Running> | undefined;

/**
 * Embedded verifier in a loop: decisions from memory, counted and reported, under the lease. It
 * starts with the first job, and goes on until the last one, which hands its counts over.
 */
export async function runEmbedded(job: EmbedJob): Promise<EmbedResult> {
  running ??= start(job);
  const parts = await running;
  const { verifier, keys, faults } = parts;
  const filled = await fill(parts, job.count);
  const startedMs = performance.now();
  const cpu = process.cpuUsage();
  const { decided, drawing } = await decideFor(verifier, keys, job.windowMs);
  const { user, system } = process.cpuUsage(cpu);
  const perSecond = (decided / (performance.now() - startedMs - drawing.ms)) * 1_000;
  if (job.isLast) await verifier.close();
  if (faults.length > 0) throw new Error(`${faults.length} faults, the first: ${String(faults[0])}`);
  return { perSecond, verified: filled + decided, micros: (user + system - drawing.cpuMicros) / decided };
}

async function start(job: EmbedJob): Promise<Running> {
  const { brokerUrl, masterKey, keysFile, count } = job;
  const { FlowplateVerifier: Verifier } = await import(join(job.checkout, 'src/sdk/verifier.ts'));
  const faults: unknown[] = [];
  const onFault = (error: unknown) => void faults.push(error);
  const verifier: FlowplateVerifier = new Verifier({ baseUrl: brokerUrl, masterKey, onFault });
  await verifier.start();
  const keys = freshKeys(keysFile, count, decisionsAtATime);
  return { verifier, keys, faults, filledMs: Number.NEGATIVE_INFINITY };
}

/** Asks for every key once, if that was long ago. Returns how many were asked for. */
async function fill(parts: Running, count: number): Promise<number> {
  if (performance.now() - parts.filledMs < filledMsMax) return 0;
  parts.filledMs = performance.now();
  const keys = parts.keys.all[Symbol.iterator]();
  const ask = async () => {
    for (let next = keys.next(); !next.done; next = keys.next()) {
      requireValid(await parts.verifier.verify({ key: next.value }));
    }
  };
  await Promise.all(Array.from({ length: fetchesAtOnce }, ask));
  return count;
}

/** Making the keys is no part of a decision. */
async function decideFor(verifier: FlowplateVerifier, keys: KeySource, forMs: number) {
  const endMs = performance.now() + forMs;
  const drawing = { ms: 0, cpuMicros: 0 };
  let decided = 0;
  while (performance.now() < endMs) {
    const [startedMs, cpu] = [performance.now(), process.cpuUsage()];
    const drawn = keys.draw();
    const { user, system } = process.cpuUsage(cpu);
    drawing.ms += performance.now() - startedMs;
    drawing.cpuMicros += user + system;
    for (const key of drawn) requireValid(verifier.verifyNow({ key }));
    decided += drawn.length;
    await nextTurn();
  }
  return { decided, drawing };
}

function requireValid(verdict: { valid: boolean } | undefined): void {
  if (verdict?.valid !== true) throw new Error(`Not an allow from memory: ${JSON.stringify(verdict)}`);
}
