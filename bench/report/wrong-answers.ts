import type { Runs } from '../scenarios/interleave.ts';
import { number } from './statistics.ts';

/** Note for the table about wrong answers; empty without any. */
export function wrongAnswers(runs: Runs): string[] {
  return [...runs].flatMap(([name, results]) => {
    const wrong = results.reduce((sum, result) => sum + result.wrong, 0);
    return wrong === 0 ? [] : [`${name}: ${number(wrong)} answers were errors; they are in no figure.`];
  });
}
