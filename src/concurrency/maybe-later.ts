/**
 * What is there at once when memory has it and later when it must be fetched. A promise for a value
 * that is already there costs a turn of the queue and an allocation for each `await`; on the hot
 * path there would be five of them in every request.
 */
export type MaybeLater<T> = T | Promise<T>;

export function mapMaybe<T, U>(value: MaybeLater<T>, next: (value: T) => MaybeLater<U>): MaybeLater<U> {
  return value instanceof Promise ? value.then(next) : next(value);
}
