import { resultOf, verificationOutcomes } from '../../src/domain/verification.ts';
import { observed, rate } from './promql.ts';
import type { Timing } from './timing.ts';

/**
 * Service levels: what callers may expect, over 30 days. `docs/operations.md` says them in words.
 */
export const levels = {
  /** Share of the verifications that get a verdict, of those that were asked properly. */
  availability: 0.9995,
  /** Share of the verdicts of JSON verify and forward auth within `latencySeconds`. */
  latency: 0.99,
  latencySeconds: 0.01,
  /** Share of the revokes that are complete within two seconds. */
  completeness: 0.999,
} as const;

/** How fast the error budget of 30 days is spent: 14.4 times spends 2 % of it in an hour. */
export const fastBurn = 14.4;
export const slowBurn = 6;

type Ratio = (over: string) => string;

const rejected = verificationOutcomes
  .filter((outcome) => resultOf(outcome) === 'rejected')
  .map((outcome) => outcome.toLowerCase());

const undecided: Ratio = (over) => {
  const failed = rate('flowplate_verifications_total', over, { where: { outcome: 'undecided' } });
  const asked = rate('flowplate_verifications_total', over, { where: { outcome: { not: rejected } } });
  return `${failed} / ${asked}`;
};

const slow: Ratio = (over) => {
  const where = { endpoint: ['verify', 'authz'], result: 'decided' };
  const soon = observed('flowplate_verification_seconds', over, { where, within: levels.latencySeconds });
  return `1 - ${soon} / ${observed('flowplate_verification_seconds', over, { where })}`;
};

const pending: Ratio = (over) => {
  const late = observed('flowplate_propagation_seconds', over, { where: { propagation: 'pending' } });
  return `${late} / ${observed('flowplate_propagation_seconds', over)}`;
};

const ratios = {
  verification_undecided: undecided,
  verification_slow: slow,
  changes_pending: pending,
} satisfies Record<string, Ratio>;

type Level = keyof typeof ratios;
type Window = keyof Timing['windows'];

/** The name of a recorded ratio: the share of what fell short, over one of the windows. */
export function recorded(level: Level, window: Window): string {
  return `flowplate:${level}:ratio_rate${window}`;
}

export function recordingRules({ windows }: Timing): { record: string; expr: string }[] {
  const names = Object.keys(windows) as Window[];
  return (Object.keys(ratios) as Level[]).flatMap((level) =>
    names.map((window) => ({ record: recorded(level, window), expr: ratios[level](windows[window]) })),
  );
}
