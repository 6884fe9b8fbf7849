/** A page of a list. `next`: after which place the next page begins; undefined on the last page. */
export type Page<Item, Place = string> = { items: Item[]; next: Place | undefined };

/**
 * A page from a query that asked for one item more than `limit`: that one tells that there is a
 * next page.
 */
export function toPage<Item, Place>(
  found: readonly Item[],
  limit: number,
  placeOf: (last: Item) => Place,
): Page<Item, Place> {
  const items = found.slice(0, limit);
  const last = items.at(-1);
  return { items, next: last !== undefined && found.length > limit ? placeOf(last) : undefined };
}
