import type { Received } from './in-process.ts';

/**
 * What is wrong with the answers of the lane, or undefined. Both servers got the same bytes in the
 * same pieces.
 *
 * A connection that plain node:http keeps open must have the same answers, byte for byte. One that
 * it closes over unreadable bytes loses the answers that were not yet out, and how many those are
 * is a matter of time: then one list must begin with the other, and both must be closed.
 */
export function differenceOf(plain: Received, lane: Received): string | undefined {
  const [theirs, ours] = [steady(plain.text), steady(lane.text)];
  if (!plain.isClosed) return theirs === ours && !lane.isClosed ? undefined : 'not the same answers';
  if (!lane.isClosed) return 'the lane keeps a connection that node:http closes';
  const [before, after] = [withoutParserError(theirs), withoutParserError(ours)];
  return before.startsWith(after) || after.startsWith(before) ? undefined : 'other answers before the end';
}

function steady(text: string): string {
  return text.replaceAll(/\r\nDate: [^\r]+\r\n/g, '\r\nDate: *\r\n');
}

/** Without the answer of Node's parser to bytes that are no request. It has no `Date`. */
function withoutParserError(text: string): string {
  return text.replace(/HTTP\/1\.1 4\d\d [A-Za-z ]+\r\nConnection: close\r\n\r\n$/, '');
}
