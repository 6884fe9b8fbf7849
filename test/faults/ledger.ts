import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { attempt } from '../support/attempt.ts';
import type { Answer, Call } from '../support/call.ts';

/** Answers that one caller got about the keys of one user. */
type Line = { userId: string; live: string | undefined; dead: string[]; isUnknown: boolean };

/** Answers of all callers, and contradictions to them. */
export class Ledger {
  readonly lines: Line[] = [];
  readonly violations: string[] = [];
  /** Changes that were answered with success. */
  acknowledged = 0;
  /** Attempts that got no answer, or none that said what happened. */
  interrupted = 0;
}

const settleMsMax = 15_000;

/**
 * Lives through `lineCount` lines of keys, `atOnce` at a time: mint, refresh, for every third one
 * revoke, verifying in between.
 */
export async function fillLedger(
  ledger: Ledger,
  call: () => Call,
  lineCount: number,
  atOnce = 8,
): Promise<void> {
  let next = 0;
  const worker = async () => {
    for (let index = next++; index < lineCount; index = next++) await liveThrough(ledger, call, index);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}

async function liveThrough(ledger: Ledger, call: () => Call, index: number): Promise<void> {
  const line: Line = { userId: `user-${randomUUID()}`, live: undefined, dead: [], isUnknown: false };
  ledger.lines.push(line);
  // Every other caller brings an Idempotency-Key and repeats what it does not know; the others
  // leave it at that.
  const repeats = index % 2 === 0;
  const minted = await change(ledger, line, repeats, (headers) =>
    call()('POST /v1/flowplate/api-keys', {
      headers,
      body: { user_id: line.userId, organization_id: 'acme' },
    }),
  );
  if (minted === undefined) return;
  line.live = minted.body.key;
  await expectVerdict(ledger, call, line.live, 'VALID');

  const refreshed = await change(ledger, line, repeats, (headers) =>
    call()(`POST /v1/flowplate/api-keys/${line.userId}/acme/refresh`, { headers }),
  );
  if (refreshed === undefined) return;
  replace(line, refreshed.body.new_key.key);
  await expectVerdict(ledger, call, line.live, 'VALID');
  if (refreshed.body.propagation === 'complete') await expectVerdict(ledger, call, line.dead[0], 'REVOKED');
  if (index % 3 !== 0) return;

  // Repeating a revoke is harmless without any key to repeat it under.
  const revoked = await change(ledger, line, true, () =>
    call()(`DELETE /v1/flowplate/api-keys/${line.userId}/acme`),
  );
  if (revoked === undefined) return;
  replace(line, undefined);
  if (revoked.body.propagation === 'complete') await expectVerdict(ledger, call, line.dead[1], 'REVOKED');
}

function replace(line: Line, successor: string | undefined): void {
  if (line.live !== undefined) line.dead.push(line.live);
  line.live = successor;
}

/**
 * The success of a change; undefined when it is not known, and then nothing is known of the line's
 * keys any more.
 */
async function change(
  ledger: Ledger,
  line: Line,
  repeats: boolean,
  call: (headers: Record<string, string>) => Promise<Answer>,
): Promise<Answer | undefined> {
  const headers: Record<string, string> = repeats ? { 'idempotency-key': randomUUID() } : {};
  const giveUpAt = performance.now() + settleMsMax;
  while (performance.now() < giveUpAt) {
    const outcome = await attempt(() => call(headers));
    if (typeof outcome === 'object' && outcome.body?.error?.code !== 'IDEMPOTENCY_IN_PROGRESS') {
      if (outcome.status < 300) {
        ledger.acknowledged += 1;
        return outcome;
      }
      ledger.violations.push(`${line.userId}: answered ${outcome.status} ${JSON.stringify(outcome.body)}`);
      break;
    }
    ledger.interrupted += 1;
    if (outcome === 'unknown' && !repeats) break;
    await sleep(25);
  }
  line.isUnknown = true;
  return undefined;
}

async function expectVerdict(
  ledger: Ledger,
  call: () => Call,
  key: string | undefined,
  code: 'VALID' | 'REVOKED',
): Promise<void> {
  const outcome = await attempt(() => call()('POST /v1/flowplate/api-keys/verify', { body: { key } }));
  if (typeof outcome === 'string' || outcome.body.code === code) return;
  ledger.violations.push(`${outcome.status} ${outcome.body.code} instead of ${code}`);
}

/**
 * Holds everything that was acknowledged against what `call` says now. Empty: all of it is there.
 */
export async function auditLedger(ledger: Ledger, call: Call): Promise<string[]> {
  const codeOf = async (key: string) =>
    (await call('POST /v1/flowplate/api-keys/verify', { body: { key } })).body.code as string;
  const lost: string[] = [];
  for (const line of ledger.lines) {
    if (line.live !== undefined && !line.isUnknown) {
      const code = await codeOf(line.live);
      if (code !== 'VALID') lost.push(`${line.userId}: the live key is ${code}`);
    }
    for (const key of line.dead) {
      const code = await codeOf(key);
      if (code !== 'REVOKED') lost.push(`${line.userId}: an ended key is ${code}`);
    }
  }
  return [...ledger.violations, ...lost];
}
