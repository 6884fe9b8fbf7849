import { readKeys } from './key-draw.ts';

export type KeySource = {
  /** The next keys of the file, each once. */
  readonly all: Iterable<string>;
  /** Keys drawn evenly, each a new string. */
  draw(): string[];
};

/**
 * Keys as new strings, each for one call, as an HTTP parser makes them. V8 keeps the hash of a
 * string that lives long, which would flatter every cache keyed by strings.
 */
export function freshKeys(keysFile: string, count: number, atATime: number): KeySource {
  const all = readKeys(keysFile, count);
  const width = all[0]?.length ?? 0;
  const bytes = Buffer.from(all.join(''), 'latin1');
  if (bytes.length !== count * width) throw new Error('The keys have different lengths');
  const drawOne = () => {
    const start = Math.floor(Math.random() * count) * width;
    return bytes.toString('latin1', start, start + width);
  };
  return { all, draw: () => Array.from({ length: atATime }, drawOne) };
}
