import fc from 'fast-check';
import type { Action, ActionOf } from './action.ts';
import type { Operation } from './checker.ts';
import { type OwnerState, ownerModel } from './owner-model.ts';

const leaseMs = 30;
const verifiers = [0, 1, 2];

type Wish = Action['kind'];

type SimulatedStep = {
  wish: Wish;
  /** Since the moment at which the previous one took effect. */
  gapMs: number;
  beforeMs: number;
  afterMs: number;
  answer: 'complete' | 'pending' | 'lost' | 'never happened';
  /**
   * How long after the commit each verifier applies a change; a verification uses the first for its
   * verifier.
   */
  lagsMs: number[];
  choice: number;
};

const wishes: Wish[] = [
  ...(['mint', 'refresh', 'revoke', 'enable', 'disable', 'suspend', 'resume'] as const),
  ...(['report', 'release', 'lapse'] as const),
];
const outcomes: ActionOf<'verify'>['outcome'][] = ['accepted', 'refused', 'suspended'];
const upTo = (max: number) => fc.integer({ min: 0, max });

export const simulation: fc.Arbitrary<SimulatedStep[]> = fc.array(
  fc.record({
    wish: fc.oneof(
      { weight: 3, arbitrary: fc.constant<Wish>('verify') },
      { weight: 1, arbitrary: fc.constant<Wish>('mint') },
      { weight: 1, arbitrary: fc.constantFrom(...wishes) },
    ),
    gapMs: upTo(12),
    beforeMs: upTo(15),
    afterMs: upTo(15),
    answer: fc.constantFrom('complete', 'complete', 'complete', 'pending', 'lost', 'never happened'),
    lagsMs: fc.tuple(...verifiers.map(() => upTo(leaseMs))),
    choice: fc.nat(100),
  }),
  { maxLength: 60 },
);

/** Simulated recordings of one truth, with verifiers that lag by at most a lease. */
export function simulated(plan: readonly SimulatedStep[]): Operation<Action>[] {
  const history: Operation<Action>[] = [];
  const views = verifiers.map(() => [{ fromMs: -Infinity, state: ownerModel.initial }]);
  const keys: string[] = [];
  let truth = ownerModel.initial;
  let atMs = 0;
  for (const step of plan) {
    atMs += step.gapMs;
    const call = atMs - step.beforeMs;
    const returned = atMs + step.afterMs;
    if (step.wish === 'verify') {
      const view = views[step.choice % verifiers.length] ?? [];
      const state = view.findLast(({ fromMs }) => fromMs <= atMs)?.state ?? ownerModel.initial;
      const action = judged(state, keys[keys.length - 1 - (step.choice % 3)] ?? 'never minted');
      history.push({ action, call, returned, settled: returned + leaseMs });
      continue;
    }
    const action = outcomeOf(step.wish, truth, keys, step);
    if (step.answer !== 'never happened') truth = ownerModel.step(truth, action) ?? truth;
    const appliedMs = views.map((view, verifier) => {
      const fromMs = Math.max(view.at(-1)?.fromMs ?? 0, atMs + (step.lagsMs[verifier] ?? 0));
      view.push({ fromMs, state: truth });
      return fromMs;
    });
    const everywhereMs = Math.max(returned, ...appliedMs);
    const ends = {
      complete: { returned: everywhereMs, settled: everywhereMs },
      pending: { returned, settled: Math.max(returned, atMs + leaseMs) },
      lost: { returned: Infinity, settled: Infinity },
      'never happened': { returned: Infinity, settled: Infinity },
    };
    history.push({ action, call, ...ends[step.answer] });
  }
  return history;
}

function judged(state: OwnerState, key: string): Action {
  const verdicts = outcomes.map((outcome): Action => ({ kind: 'verify', outcome, key }));
  return verdicts.find((verdict) => ownerModel.step(state, verdict) !== undefined) as Action;
}

function outcomeOf(wish: Wish, truth: OwnerState, keys: string[], step: SimulatedStep): Action {
  const isUnknown = step.answer === 'lost' || step.answer === 'never happened';
  const key = isUnknown ? 'nobody knows' : `key ${keys.length}`;
  const last = keys.at(-1) ?? 'never minted';
  const candidates: Record<Wish, Action[]> = {
    mint: [
      { kind: 'mint', outcome: 'suspended' },
      { kind: 'mint', outcome: 'exists' },
      { kind: 'mint', outcome: 'minted', key },
    ],
    refresh: [
      { kind: 'refresh', outcome: 'absent' },
      { kind: 'refresh', outcome: 'suspended' },
      { kind: 'refresh', outcome: 'refreshed', key },
    ],
    revoke: [
      { kind: 'revoke', outcome: 'absent' },
      { kind: 'revoke', outcome: 'revoked' },
    ],
    enable: [
      { kind: 'enable', outcome: 'inactive', key: last },
      { kind: 'enable', outcome: 'done', key: last },
    ],
    disable: [
      { kind: 'disable', outcome: 'inactive', key: last },
      { kind: 'disable', outcome: 'done', key: last },
    ],
    suspend: [{ kind: 'suspend', outcome: 'done' }],
    resume: [{ kind: 'resume', outcome: 'done' }],
    report: [{ kind: 'report', outcome: 'done', key: last }],
    release: [
      { kind: 'release', outcome: 'inactive', key: last },
      { kind: 'release', outcome: 'exists', key: last },
      ...[true, false].map((enabled): Action => ({ kind: 'release', outcome: 'done', key: last, enabled })),
    ],
    lapse: [
      { kind: 'lapse', outcome: 'inactive', key: last },
      { kind: 'lapse', outcome: 'done', key: last },
    ],
    verify: [],
  };
  if (isUnknown) return { ...candidates[wish][0], outcome: 'unknown' } as Action;
  const outcome = candidates[wish].find((action) => ownerModel.step(truth, action) !== undefined) as Action;
  if (outcome.outcome === 'minted' || outcome.outcome === 'refreshed') keys.push(key);
  return outcome;
}

/**
 * The same plan with changes that take no time and are known everywhere at once, so that each
 * verdict has only one right value.
 */
export function strict(plan: readonly SimulatedStep[]): SimulatedStep[] {
  return plan.map((step) =>
    step.wish === 'verify'
      ? { ...step, gapMs: step.gapMs + 1 }
      : { ...step, gapMs: step.gapMs + 1, beforeMs: 0, afterMs: 0, answer: 'complete', lagsMs: [] },
  );
}

/** One verdict turned round, of those that no change ran beside; undefined when there is none. */
export function falsified(history: Operation<Action>[], choice: number): Operation<Action>[] | undefined {
  const changes = history.filter(({ action }) => action.kind !== 'verify');
  const quiet = history.filter(
    ({ action, call, returned }) =>
      action.kind === 'verify' && changes.every((change) => change.settled < call || change.call > returned),
  );
  const chosen = quiet[choice % Math.max(1, quiet.length)];
  if (chosen?.action.kind !== 'verify') return undefined;
  const { outcome: truth } = chosen.action;
  const lies = outcomes.filter((outcome) => outcome !== truth);
  const outcome = lies[choice % lies.length] as (typeof outcomes)[number];
  const turned: Operation<Action> = { ...chosen, action: { ...chosen.action, outcome } };
  return history.map((operation) => (operation === chosen ? turned : operation));
}
