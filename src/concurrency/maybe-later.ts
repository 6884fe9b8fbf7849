/**
 * A value, or a promise of it when it must be fetched. Saves an `await` when memory has the value:
 * one costs a turn of the queue and an allocation, and the hot path would have five.
 */
export type MaybeLater<T> = T | Promise<T>;

export function mapMaybe<T, U>(value: MaybeLater<T>, next: (value: T) => MaybeLater<U>): MaybeLater<U> {
  return value instanceof Promise ? value.then(next) : next(value);
}

/** `try … catch` around work that may be synchronous. */
export function tryMaybe<T>(
  run: () => MaybeLater<T>,
  onFault: (fault: unknown) => MaybeLater<T>,
): MaybeLater<T> {
  try {
    const value = run();
    return value instanceof Promise ? value.catch(onFault) : value;
  } catch (fault) {
    return onFault(fault);
  }
}
