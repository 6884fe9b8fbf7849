import { FlowplateError } from '../domain/errors.ts';

const waitingMax = 500;

type Queue = { last: Promise<unknown>; length: number };

/**
 * Keyed queue: tasks of one name run one after another, in the order in which they came, and tasks
 * of different names side by side. The database decides who is right in any case; waiting here
 * instead of there keeps a burst on one user from holding every connection of the process.
 *
 * `isFaultOfAll`: a fault that every task of the name would meet, such as a database that is away.
 * Tasks that wait behind one that met it reject with it at once.
 */
export class KeyedQueue {
  readonly #queues = new Map<string, Queue>();
  readonly #isFaultOfAll: (error: unknown) => boolean;

  constructor(isFaultOfAll: (error: unknown) => boolean = () => false) {
    this.#isFaultOfAll = isFaultOfAll;
  }

  async run<T>(name: string, task: () => Promise<T>): Promise<T> {
    const queue = this.#queues.get(name) ?? { last: Promise.resolve(), length: 0 };
    if (queue.length >= waitingMax) throw new FlowplateError('OVERLOADED', { retryAfterSeconds: 1 });
    const turn = queue.last.then(task);
    queue.last = turn.then(
      () => undefined,
      (error) => {
        if (this.#isFaultOfAll(error)) throw error;
      },
    );
    queue.last.catch(() => undefined);
    queue.length += 1;
    this.#queues.set(name, queue);
    return turn.finally(() => {
      queue.length -= 1;
      if (queue.length === 0) this.#queues.delete(name);
    });
  }
}
