import { readKeys } from './key-draw.ts';

export type KeySource = {
  /** The next keys of the file, each once. */
  readonly all: Iterable<string>;
  /** Draws keys evenly into the buffer; returns how many it holds. */
  draw(): number;
  /** One of the buffer, as a new string. */
  at(index: number): string;
};

/**
 * Keys as new strings from a buffer that was just written, as they come from a socket. V8 keeps the
 * hash of a string that lives long, which would flatter every cache keyed by strings.
 */
export function freshKeys(keysFile: string, count: number, atATime: number): KeySource {
  const all = readKeys(keysFile, count);
  const width = all[0]?.length ?? 0;
  const bytes = Buffer.from(all.join(''), 'latin1');
  if (bytes.length !== count * width) throw new Error('The keys have different lengths');
  const received = Buffer.alloc(atATime * width);
  const draw = () => {
    for (let index = 0; index < atATime; index++) {
      const start = Math.floor(Math.random() * count) * width;
      received.set(bytes.subarray(start, start + width), index * width);
    }
    return atATime;
  };
  return { all, draw, at: (index) => received.toString('latin1', index * width, (index + 1) * width) };
}
