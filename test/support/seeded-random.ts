/** Reproducible choices; the timing of concurrent work still varies. */
export type Random = {
  below(limit: number): number;
  pick<Item>(items: readonly Item[]): Item;
  /** By weight. */
  weighted<Name extends string>(weights: Record<Name, number>): Name;
};

/** Mulberry32: small, and good enough to choose what to do next. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  const below = (limit: number) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * limit);
  };
  const pick = <Item>(items: readonly Item[]) => items[below(items.length)] as Item;
  return {
    below,
    pick,
    weighted: <Name extends string>(weights: Record<Name, number>) =>
      pick(Object.entries<number>(weights).flatMap(([name, weight]) => Array(weight).fill(name) as Name[])),
  };
}
