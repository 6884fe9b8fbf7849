/** Two at a time: lists are for people and scripts. */
export const callersAtOnce = 2;

/** Sorted durations of the calls. Anything but a success ends the benchmark. */
export async function callMany(
  url: () => string,
  credential: Record<string, string>,
  count: number,
): Promise<number[]> {
  const tookMs: number[] = [];
  const caller = async () => {
    while (tookMs.length < count) {
      const sentMs = performance.now();
      const response = await fetch(url(), { headers: credential });
      await response.arrayBuffer();
      tookMs.push(performance.now() - sentMs);
      if (response.status !== 200) throw new Error(`${url()}: ${response.status}`);
    }
  };
  await Promise.all(Array.from({ length: callersAtOnce }, caller));
  return tookMs.sort((left, right) => left - right);
}

export function quantile(sorted: readonly number[], part: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0;
}

export function bearer(secret: string): Record<string, string> {
  return { authorization: `Bearer ${secret}` };
}
