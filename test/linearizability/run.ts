import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, type TestContext, test } from 'vitest';
import { projectRoot } from '../../scripts/services/project-root.ts';
import { copySource, type Edit } from '../support/source-copy.ts';
import type { Action } from './action.ts';
import type { Operation } from './checker.ts';
import type { Fleet, Member } from './fleet.ts';
import { Load } from './load.ts';

/** How often a fault is inflicted, each time on new histories. More of them make a soak. */
const rounds = Number(process.env.LINEARIZABILITY_ROUNDS ?? 1);
const seed = Number(process.env.LINEARIZABILITY_SEED ?? Math.floor(Math.random() * 2 ** 31));

/** Who lives through a fault. `edits` are made in a copy of the source, for the processes that are started for the test. */
export type Arm = { fleet: () => Fleet; edits?: readonly Edit[] };

/** What goes wrong while clients are at work, and the processes that it goes wrong for. */
export type Fault = {
  /** They join before the clients begin, from the arm's copy of the source. */
  joining?: ((fleet: Fleet, root: string) => Promise<Member>)[];
  inflict(load: Load, joined: Member[], root: string): Promise<unknown>;
};

/** Two tests: under the fault nothing contradicts the contract; in the same run without a protection something does. */
export function prove(name: string, fault: Fault, safe: Arm, control: Arm & { without: string }): void {
  describe(name, () => {
    test('no verdict contradicts an answered change', { timeout: 30_000 * rounds }, async (context) => {
      const reports = await run(fault, safe, rounds);
      await tell(context, reports);
      expect(reports.flatMap(({ contradictions }) => contradictions)).toEqual([]);
    });

    test(`control arm: without ${control.without} one does`, async (context) => {
      const reports = await run(fault, control, 1);
      await tell(context, reports);
      expect(reports.flatMap(({ contradictions }) => contradictions)).not.toEqual([]);
    });
  });
}

type Report = {
  histories: number;
  operations: number;
  undecided: number;
  unanswered: number;
  contradictions: string[];
};

async function run(fault: Fault, arm: Arm, times: number): Promise<Report[]> {
  const fleet = arm.fleet();
  const root = arm.edits === undefined ? projectRoot : await copySource(arm.edits);
  const reports: Report[] = [];
  for (let round = 0; round < times; round++) {
    const joined = await Promise.all((fault.joining ?? []).map((join) => join(fleet, root)));
    try {
      reports.push(await runOnce(new Load(fleet, seed + round), (load) => fault.inflict(load, joined, root)));
    } finally {
      await Promise.all(joined.map((member) => fleet.remove(member)));
    }
  }
  return reports;
}

async function runOnce(load: Load, inflict: (load: Load) => Promise<unknown>): Promise<Report> {
  await load.start();
  try {
    await sleep(300);
    await load.askForWitnesses();
    await inflict(load);
    await sleep(300);
  } finally {
    await load.stop();
  }
  return reportOn(load);
}

function reportOn({ recorder }: Load): Report {
  const { entries, undecided } = recorder;
  return {
    histories: new Set(entries.flatMap(({ owners }) => owners)).size,
    operations: entries.length,
    undecided,
    unanswered: entries.filter(({ operation }) => operation.returned === Infinity).length,
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

/** One line in the log of the run. The seed repeats what the clients wish for, not what happens beside it. */
async function tell({ annotate }: TestContext, reports: Report[]): Promise<void> {
  const sum = (name: 'histories' | 'operations' | 'undecided' | 'unanswered') =>
    `${name} ${reports.reduce((total, report) => total + report[name], 0)}`;
  const contradictions = `contradictions ${reports.flatMap((report) => report.contradictions).length}`;
  const figures = [sum('histories'), sum('operations'), sum('undecided'), sum('unanswered'), contradictions];
  await annotate([...figures, `LINEARIZABILITY_SEED=${seed}`].join(', '));
}
