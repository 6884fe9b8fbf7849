import { randomUUID } from 'node:crypto';
import { auditLedger, fillLedger, Ledger } from '../faults/ledger.ts';
import { attempt } from '../support/attempt.ts';
import type { Call } from '../support/call.ts';
import type { StartedApi } from '../support/deployment.ts';
import { eventually } from '../support/eventually.ts';
import { keyCalls, organization } from '../support/key-calls.ts';
import { type Seen, type Watched, watchCalls } from './watch-calls.ts';

/** API processes by the way that they reach Postgres. */
export type Ways = Record<string, StartedApi>;

export type Drill = {
  /** By kind of call and way. */
  seen: Record<string, Seen>;
  ledger: Ledger;
  /** What was acknowledged and is not there, and what was answered wrongly. */
  violations: string[];
  /** Mints with an Idempotency-Key that were refused first, and the keys that each has made. */
  repeatedMints: { refusals: number; keys: number }[];
};

const linesAtOnce = 3;
const recoveryMsMax = 60_000;

/**
 * Load of mints, refreshes, revokes and verifications on every process while `fault` happens and is
 * mended, and until changes work again.
 */
export async function drill(ways: Ways, fault: () => Promise<void>): Promise<Drill> {
  const ledger = new Ledger();
  const watches = await startWatches(ways);
  let isOver = false;
  const filling = Object.values(ways).map(async ({ call }) => {
    while (!isOver) await fillLedger(ledger, () => call, linesAtOnce, linesAtOnce);
  });
  const repeating = repeatMints(ways, () => isOver);
  try {
    await fault();
    await Promise.all(Object.values(ways).map(({ call }) => untilMinted(call)));
  } finally {
    isOver = true;
    await Promise.all(filling);
  }
  const seen: Record<string, Seen> = {};
  for (const [name, watch] of watches) seen[name] = await watch.stop();
  const repeatedMints = await repeating;
  const violations = Object.entries(seen).flatMap(([name, { wrong }]) =>
    wrong.map((text) => `${name}: ${text}`),
  );
  for (const { call } of Object.values(ways)) violations.push(...(await auditLedger(ledger, call)));
  return { seen, ledger, violations, repeatedMints };
}

/** Until a mint works, as operators look whether it is over. */
export async function untilMinted(call: Call): Promise<void> {
  const mint = () =>
    attempt(() =>
      call('POST /v1/flowplate/api-keys', { body: { user_id: randomUUID(), organization_id: organization } }),
    );
  await eventually(recoveryMsMax, mint, (outcome) => typeof outcome === 'object' && outcome.status === 201);
}

async function startWatches(ways: Ways): Promise<[string, ReturnType<typeof watchCalls>][]> {
  const watched: Record<string, Watched> = {};
  for (const [way, { call }] of Object.entries(ways)) {
    const keys = keyCalls(call);
    const [known, revoked] = [await keys.mint(), await keys.mint()];
    await keys.codeOf(known.key);
    await keys.codeOf(revoked.key);
    await keys.revoke(revoked.userId);
    const code = (key: string, wanted: string): Watched => ({
      call: () => keys.verify(key),
      isRight: ({ body }) => body.code === wanted,
    });
    watched[`verify, ${way}`] = code(known.key, 'VALID');
    watched[`verify a revoked key, ${way}`] = code(revoked.key, 'REVOKED');
    watched[`mint, ${way}`] = {
      call: () =>
        call('POST /v1/flowplate/api-keys', {
          body: { user_id: randomUUID(), organization_id: organization },
        }),
      isRight: ({ status }) => status === 201,
    };
  }
  return Object.entries(watched).map(([name, one]) => [name, watchCalls(one)]);
}

/** Mints one key after the other, each with a key of its own until it is answered. */
async function repeatMints(ways: Ways, isOver: () => boolean): Promise<Drill['repeatedMints']> {
  const [{ call }] = Object.values(ways) as [StartedApi];
  const repeated: Drill['repeatedMints'] = [];
  while (!isOver()) {
    const userId = `repeated-${randomUUID()}`;
    const headers = { 'idempotency-key': randomUUID() };
    const body = { user_id: userId, organization_id: organization };
    let refusals = -1;
    await eventually(
      recoveryMsMax,
      () => {
        refusals += 1;
        return attempt(() => call('POST /v1/flowplate/api-keys', { headers, body }));
      },
      (outcome) => typeof outcome === 'object' && outcome.status === 201,
    );
    if (refusals === 0) continue;
    const listed = await eventually(
      recoveryMsMax,
      () => attempt(() => call(`GET /v1/flowplate/api-keys?user_id=${userId}`)),
      (outcome) => typeof outcome === 'object' && outcome.status === 200,
    );
    repeated.push({ refusals, keys: typeof listed === 'object' ? listed.body.data.length : 0 });
  }
  return repeated;
}

/** One line for the reader of the test's output, and for the table of the page. */
export function summaryOf(name: string, { seen, ledger, violations, repeatedMints }: Drill): string {
  const figures = Object.entries(seen).map(
    ([kind, { calls, refused, refusedSeconds }]) =>
      `  ${kind}: ${refusedSeconds.toFixed(1)} s refused (${refused} of ${calls} calls)`,
  );
  const changes = `${ledger.acknowledged} changes acknowledged, ${violations.length} lost or wrong`;
  return [`${name}: ${changes}, ${repeatedMints.length} mints repeated`, ...figures].join('\n');
}
