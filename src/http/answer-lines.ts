import type { LineReader, RawLine } from './line-reader.ts';

/**
 * Lines that are worked on together. With `chunksMax` it bounds what one body has under way, so
 * that other callers wait behind few lines of it.
 */
const chunkLinesMax = 128;

/** While Postgres handles one chunk, the next is parsed and the one before is written. */
const chunksMax = 2;

/**
 * Answers the lines of a body in their order: yields the answers of a chunk as soon as it and those
 * before it are done. Its reader sets the pace: nothing new is begun while two chunks wait to be
 * read. `work` never rejects.
 */
export async function* answerLines<A>(
  lines: LineReader,
  work: (some: readonly RawLine[]) => Promise<readonly A[]>,
): AsyncGenerator<readonly A[]> {
  const underWay: Promise<readonly A[]>[] = [];
  try {
    for (;;) {
      const [oldest] = underWay;
      if (oldest !== undefined && (underWay.length === chunksMax || !lines.hasSome())) {
        yield await oldest;
        underWay.shift();
        continue;
      }
      const some = await lines.take(chunkLinesMax);
      if (some.length === 0) return;
      underWay.push(work(some));
    }
  } finally {
    lines.stop();
  }
}
