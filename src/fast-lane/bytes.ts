/** Bytes of the grammar of RFC 9112, by name. */
export const cr = 0x0d;
const lf = 0x0a;
export const space = 0x20;
export const colon = 0x3a;
export const questionMark = 0x3f;

/** `tchar` of RFC 9110 §5.6.2. */
export const tokenBytes = setOf(/[!#$%&'*+\-.^_`|~0-9A-Za-z]/);

/** Printable ASCII and space: less than RFC 9110 §5.5 allows (tab, 0x80–0xff). */
export const valueBytes = setOf(/[\x20-\x7e]/);

/** Of a query (RFC 3986 §3.4). */
export const queryBytes = setOf(/[A-Za-z0-9\-._~!$&'()*+,;=:@/?%]/);

function setOf(pattern: RegExp): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, byte) => Number(pattern.test(String.fromCharCode(byte))));
}

/** Index of the first byte from `from` on that is not in the set, or the length. */
export function endOfRun(bytes: Uint8Array, from: number, set: Uint8Array): number {
  let at = from;
  while (at < bytes.length && set[bytes[at] as number] === 1) at++;
  return at;
}

export function startsWith(bytes: Uint8Array, from: number, wanted: Uint8Array): boolean {
  if (from + wanted.length > bytes.length) return false;
  for (let at = 0; at < wanted.length; at++) {
    if (bytes[from + at] !== wanted[at]) return false;
  }
  return true;
}

export function isLineEnd(bytes: Uint8Array, at: number): boolean {
  return at + 1 < bytes.length && bytes[at] === cr && bytes[at + 1] === lf;
}
