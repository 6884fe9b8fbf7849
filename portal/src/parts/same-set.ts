/** Whether two lists without duplicates have the same members, in any order. */
export function isSameSet<T>(one: readonly T[], other: readonly T[]): boolean {
  return one.length === other.length && one.every((member) => other.includes(member));
}
