import { readFileSync } from 'node:fs';

/**
 * The first `count` keys of a file, one per line: uniformly at random, each once in the file's
 * order, or by Zipf's law (the n-th key 1/n times as often as the first), as traffic mostly is.
 */
export type KeyDraw = { keysFile: string; count: number; draw: 'evenly' | 'once' | 'zipf' };

export function keyDrawer({ keysFile, count, draw }: KeyDraw): () => string {
  const keys = readKeys(keysFile, count);
  let drawn = 0;
  const once = () => {
    const key = keys[drawn++];
    if (key === undefined) throw new Error(`All ${keys.length} keys have been asked for once`);
    return key;
  };
  const evenly = () => keys[Math.floor(Math.random() * keys.length)] ?? '';
  // Uniform in the logarithm of the rank.
  const zipf = () => keys[Math.floor(keys.length ** Math.random()) - 1] ?? '';
  return { once, evenly, zipf }[draw];
}

/** Cached last file: a million keys take half a second to read. */
let last: { keysFile: string; count: number; keys: readonly string[] } | undefined;

export function readKeys(keysFile: string, count: number): readonly string[] {
  if (last?.keysFile === keysFile && last.count === count) return last.keys;
  const keys = readFileSync(keysFile, 'utf8').trimEnd().split('\n').slice(0, count);
  if (keys.length < count) throw new Error(`${keysFile} has ${keys.length} keys instead of ${count}`);
  last = { keysFile, count, keys };
  return keys;
}
