/**
 * Single flight: calls of one name that come while the first is under way wait for it, and do not
 * repeat its work. They get undefined, or its error.
 */
export class SingleFlight {
  readonly #underWay = new Map<string, Promise<unknown>>();

  async run<T>(name: string, task: () => Promise<T>): Promise<T | undefined> {
    const first = this.#underWay.get(name);
    if (first !== undefined) {
      await first;
      return undefined;
    }
    const result = task();
    this.#underWay.set(name, result);
    try {
      return await result;
    } finally {
      this.#underWay.delete(name);
    }
  }
}
