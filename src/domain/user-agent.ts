import { redact } from './redact.ts';

/** Enough for the names of program and system; browsers send some 120 characters. */
const userAgentLengthMax = 200;

/**
 * User-Agent header as it may be stored and shown: printable ASCII, cut, without secrets. Undefined
 * when nothing is left. The caller chooses it freely, so it is a hint and no proof.
 */
export function readUserAgent(header: string | undefined): string | undefined {
  const plain = redact(header ?? '').replace(/[^\x20-\x7e]/g, '');
  const text = plain.trim().slice(0, userAgentLengthMax);
  return text === '' ? undefined : text;
}
