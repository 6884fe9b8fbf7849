/**
 * Values of some headers in one pass, each a list in the order of `names` (lower case). Node builds
 * `headers` and `headersDistinct` for all headers at first access, which costs more than a
 * verification.
 */
export function pickHeaders(rawHeaders: readonly string[], names: readonly string[]): string[][] {
  const picked: string[][] = names.map(() => []);
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? '';
    for (let wanted = 0; wanted < names.length; wanted++) {
      if (name.length !== names[wanted]?.length || name.toLowerCase() !== names[wanted]) continue;
      picked[wanted]?.push(rawHeaders[index + 1] ?? '');
      break;
    }
  }
  return picked;
}
