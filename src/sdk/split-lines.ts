/** An audit event has a few kilobytes. */
const lineLengthMax = 1024 * 1024;

/**
 * The lines of a text that arrives in pieces. A last one without an end counts too. A line beyond
 * the bound is no line of ours, and `tooLong` is thrown: it would be kept in memory to its end.
 */
export async function* splitLines(
  pieces: AsyncIterable<Uint8Array>,
  tooLong: () => Error,
): AsyncGenerator<string, void, undefined> {
  const decoder = new TextDecoder();
  let begun = '';
  for await (const piece of pieces) {
    const lines = (begun + decoder.decode(piece, { stream: true })).split('\n');
    begun = lines.pop() ?? '';
    yield* lines;
    if (begun.length > lineLengthMax) throw tooLong();
  }
  if (begun !== '') yield begun;
}
