import { readKeys } from './key-draw.ts';

export type KeySource = { at(index: number): string; draw(): string };

/**
 * Keys as new strings, as they come from a socket: drawn evenly from a buffer. V8 keeps the hash of
 * a string that lives long, which would flatter every cache keyed by strings.
 */
export function freshKeys(keysFile: string, count: number): KeySource {
  const keys = readKeys(keysFile, count);
  const bytes = Buffer.from(keys.join(''), 'latin1');
  const ends = new Uint32Array(count + 1);
  for (const [index, key] of keys.entries()) ends[index + 1] = (ends[index] as number) + key.length;
  const at = (index: number) => bytes.toString('latin1', ends[index], ends[index + 1]);
  return { at, draw: () => at(Math.floor(Math.random() * count)) };
}
