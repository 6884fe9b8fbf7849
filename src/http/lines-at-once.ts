import { FlowplateError } from '../domain/errors.ts';

/** 64 MiB of bodies at most. */
const allMax = 8;
/** So that a caller who sends slowly or reads slowly leaves room for the others. */
const ofOneMax = 4;

/** Bodies of lines that are held in memory at once, in all and of one caller. */
export class LinesAtOnce {
  readonly #byCaller = new Map<string, number>();
  #all = 0;

  /** Takes a place, and returns what frees it. Throws `OVERLOADED`. */
  take(callerId: string): () => void {
    const own = this.#byCaller.get(callerId) ?? 0;
    if (this.#all >= allMax || own >= ofOneMax) throw tooMany(own >= ofOneMax ? ofOneMax : allMax);
    this.#change(callerId, 1);
    let isFreed = false;
    return () => {
      if (!isFreed) this.#change(callerId, -1);
      isFreed = true;
    };
  }

  #change(callerId: string, by: 1 | -1): void {
    this.#all += by;
    const own = (this.#byCaller.get(callerId) ?? 0) + by;
    if (own === 0) this.#byCaller.delete(callerId);
    else this.#byCaller.set(callerId, own);
  }
}

function tooMany(limit: number): FlowplateError {
  return new FlowplateError('OVERLOADED', {
    systemMessage: `${limit} requests with a body of lines are under way; at most ${ofOneMax} of one caller`,
    retryAfterSeconds: 1,
  });
}
