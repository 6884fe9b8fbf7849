export type Sorting = { by: string; isDescending: boolean };

/** A copy in order; what has no value stands last whichever way round. */
export function sortedBy<T>(
  items: readonly T[],
  orderOf: (item: T) => string | null,
  isDescending: boolean,
): T[] {
  return [...items].sort((first, second) => {
    const [a, b] = [orderOf(first), orderOf(second)];
    if (a === null || b === null) return Number(a === null) - Number(b === null);
    return (isDescending ? -1 : 1) * a.localeCompare(b, undefined, { sensitivity: 'base', numeric: true });
  });
}
