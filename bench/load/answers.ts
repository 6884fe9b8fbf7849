import type { HttpAnswer } from './answer-reader.ts';
import { Latencies } from './latencies.ts';
import type { RequestSource } from './request-source.ts';

/** More wrong answers than this are no noise of a busy machine; the measurement then fails. */
const wrongShareMax = 0.01;

/** What came back. A wrong answer is counted apart and never as throughput: errors are fast. */
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
