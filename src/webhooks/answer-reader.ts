import type { Dispatcher } from 'undici';

const answerBytesMax = 65_536;

export type ReadAnswer =
  | { status: number; start: Buffer }
  /** No head of an answer came. */
  | { status: null; error: Error };

/**
 * Handler of one request: reads the status and the start of the body, within a time limit. Without
 * the stream and the abort signal that `request` makes for each answer, which cost as much as the
 * rest of the client. The status decides, so a body without end, or one that breaks off, costs no
 * delivery: the connection is closed.
 */
export class AnswerReader implements Dispatcher.DispatchHandler {
  readonly answer: Promise<ReadAnswer>;
  readonly #resolve: (answer: ReadAnswer) => void;
  readonly #timer: NodeJS.Timeout;
  readonly #keptBytesMax: number;
  #controller: Dispatcher.DispatchController | undefined;
  #status: number | null = null;
  #kept: Buffer[] = [];
  #bytes = 0;
  #isOver = false;

  constructor({ msMax, keptBytesMax }: { msMax: number; keptBytesMax: number }) {
    const { promise, resolve } = Promise.withResolvers<ReadAnswer>();
    this.answer = promise;
    this.#resolve = resolve;
    this.#keptBytesMax = keptBytesMax;
    this.#timer = setTimeout(() => this.#abort(timeoutError), msMax);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    // The connection took longer than the attempt may.
    if (this.#isOver) controller.abort(timeoutError);
  }

  onResponseStart(_: Dispatcher.DispatchController, statusCode: number): void {
    const isInterim = statusCode < 200;
    if (!isInterim) this.#status = statusCode;
  }

  onResponseData(_: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#bytes < this.#keptBytesMax) this.#kept.push(chunk);
    this.#bytes += chunk.length;
    if (this.#bytes > answerBytesMax) this.#abort(new Error('the answer is too long'));
  }

  onResponseEnd(): void {
    this.#end(new Error('no answer'));
  }

  onResponseError(_: Dispatcher.DispatchController, error: Error): void {
    this.#end(error);
  }

  #abort(error: Error): void {
    this.#end(error);
    this.#controller?.abort(error);
  }

  #end(error: Error): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearTimeout(this.#timer);
    const status = this.#status;
    this.#resolve(status === null ? { status, error } : { status, start: Buffer.concat(this.#kept) });
  }
}

const timeoutError = Object.assign(new Error('the attempt takes too long'), { name: 'TimeoutError' });
