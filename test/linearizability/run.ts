import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, type TestContext, test } from 'vitest';
import { type Edit, type EditedSource, editSource } from '../support/edited-source.ts';
import { type Action, isVerification } from './action.ts';
import type { Operation } from './checker.ts';
import type { Fleet, Member } from './fleet.ts';
import { Load } from './load.ts';

/** How often a fault is inflicted, each time on new histories. More of them make a soak. */
const rounds = Number(process.env.LINEARIZABILITY_ROUNDS ?? 1);
const seed = Number(process.env.LINEARIZABILITY_SEED ?? Math.floor(Math.random() * 2 ** 31));
/**
 * A control arm begins no round after both of these. One nearly always shows its contradiction in
 * the first round; on a busy machine an answer may come too late for it to show.
 */
const searchMsMax = 30_000;
const searchRoundsMin = 8;

/** Processes that meet a fault. `edits` change the source, for processes of the test. */
export type Arm = { fleet: () => Fleet; edits?: readonly Edit[] };

/** The arm's source; undefined as it is. */
export type Source = EditedSource | undefined;

type Control = Arm & { without: string };

/** A fault during the work of the clients, and its processes. */
export type Fault = {
  /** They join before the clients begin, from the arm's source. */
  joining?: ((fleet: Fleet, source: Source) => Promise<Member>)[];
  inflict(load: Load, joined: Member[], source: Source): Promise<unknown>;
};

/**
 * Under the fault nothing contradicts the contract; in the same run without a protection something
 * does: a test for each control arm.
 */
export function prove(name: string, fault: Fault, safe: Arm, ...controls: [Control, ...Control[]]): void {
  describe(name, () => {
    test('no verdict contradicts an answered change', { timeout: 300_000 * rounds }, async (context) => {
      const reports = await run(fault, safe, ({ length }) => length === rounds);
      await tell(context, reports);
      expect(reports.flatMap(({ contradictions }) => contradictions)).toEqual([]);
    });

    test.for(controls)(
      'control arm: without $without one does',
      { timeout: 600_000 },
      async (control, context) => {
        const startedMs = performance.now();
        const isOver = (rounds: number) =>
          rounds >= searchRoundsMin && performance.now() - startedMs > searchMsMax;
        const reports = await run(fault, control, (all) => isOver(all.length) || hasContradiction(all));
        await tell(context, reports);
        expect(reports.flatMap(({ contradictions }) => contradictions)).not.toEqual([]);
      },
    );
  });
}

function hasContradiction(reports: readonly Report[]): boolean {
  return reports.some(({ contradictions }) => contradictions.length > 0);
}

const figures = ['histories', 'operations', 'changes', 'undecided', 'unanswered'] as const;

/** `changes`: of the operations those that were answered and are no verifications. */
type Report = Record<(typeof figures)[number], number> & { contradictions: string[] };

/** Rounds, each on new histories, until they are enough. */
async function run(
  fault: Fault,
  arm: Arm,
  areEnough: (reports: readonly Report[]) => boolean,
): Promise<Report[]> {
  const fleet = arm.fleet();
  const source = arm.edits && (await editSource(arm.edits));
  const reports: Report[] = [];
  while (!areEnough(reports)) {
    const joined = await Promise.all((fault.joining ?? []).map((join) => join(fleet, source)));
    try {
      const load = new Load(fleet, seed + reports.length);
      reports.push(await runOnce(load, () => fault.inflict(load, joined, source)));
    } finally {
      await Promise.all(joined.map((member) => fleet.remove(member)));
    }
  }
  return reports;
}

async function runOnce(load: Load, inflict: () => Promise<unknown>): Promise<Report> {
  await load.start();
  try {
    await sleep(300);
    await load.untilWitnessesAreKnown();
    await inflict();
    await sleep(300);
  } finally {
    await load.stop();
  }
  return reportOn(load);
}

function reportOn({ recorder }: Load): Report {
  const { entries, undecided } = recorder;
  const operations = entries.map(({ operation }) => operation);
  return {
    histories: new Set(entries.flatMap(({ owners }) => owners)).size,
    operations: entries.length,
    changes: operations.filter(({ action, returned }) => !isVerification(action) && returned < Infinity)
      .length,
    undecided,
    unanswered: operations.filter(({ returned }) => returned === Infinity).length,
    contradictions: recorder
      .contradictions()
      .map(({ of, by, state, misfit, near }) =>
        [
          `${of}: after ${JSON.stringify(state)} does not fit, by ${by},`,
          ...[misfit, ...near].map((operation) => `  ${text(operation)}`),
        ].join('\n'),
      ),
  };
}

function text({ action, call, returned, settled }: Operation<Action>): string {
  const [from, to, certain] = [call, returned, settled].map((ms) => ms.toFixed(1));
  const { kind, outcome } = action;
  return `${from}–${to} (settled ${certain}) ${kind} ${outcome} ${'key' in action ? action.key : ''}`;
}

/**
 * One line in the log of the run. The seed repeats what the clients wish for, not what happens
 * beside it.
 */
async function tell({ annotate }: TestContext, reports: Report[]): Promise<void> {
  const sums = [
    `rounds ${reports.length}`,
    ...figures.map((name) => `${name} ${reports.reduce((sum, report) => sum + report[name], 0)}`),
  ];
  const contradictions = reports.flatMap((report) => report.contradictions).length;
  await annotate([...sums, `contradictions ${contradictions}`, `LINEARIZABILITY_SEED=${seed}`].join(', '));
}
