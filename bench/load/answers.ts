import type { HttpAnswer } from './answer-reader.ts';
import { Latencies } from './latencies.ts';
import type { RequestSource } from './request-source.ts';

/** Maximum share of wrong answers; beyond it the measurement fails. */
const wrongShareMax = 0.01;

/**
 * Collects answers. Wrong ones are counted separately and never as throughput, because errors are
 * fast.
 */
export class Answers {
  readonly latencies = new Latencies();
  wrong = 0;
  #firstWrong = '';

  take(answer: HttpAnswer, wanted: RequestSource, ms: number): void {
    if (wanted.statuses.includes(answer.status) && answer.bytes.includes(wanted.mark)) {
      this.latencies.record(ms);
    } else {
      if (this.wrong === 0) this.#firstWrong = answer.bytes.toString('latin1');
      this.wrong++;
    }
  }

  requireMostlyRight(): void {
    const right = this.latencies.count;
    if (right > 0 && this.wrong / right <= wrongShareMax) return;
    throw new Error(
      `${this.wrong} wrong answers and ${right} right ones; the first wrong one:\n${this.#firstWrong}`,
    );
  }
}
