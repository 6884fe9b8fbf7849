import type { Verdict } from '../domain/verdict.ts';

/**
 * Where an answer came from, for the metrics. `limits`: the broker counted a limit of the key.
 * `broker`: it was asked for the record or for the verdict. `memory`: nobody was asked.
 */
export const verdictSources = ['memory', 'broker', 'limits'] as const;
export type VerdictSource = (typeof verdictSources)[number];

export function sourceOfAsked(verdict: Pick<Verdict, 'rate_limit' | 'quota'>): VerdictSource {
  return verdict.rate_limit === undefined && verdict.quota === undefined ? 'broker' : 'limits';
}
