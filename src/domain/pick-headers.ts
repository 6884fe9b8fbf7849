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
      if (!isNamed(name, names[wanted] as string)) continue;
      picked[wanted]?.push(rawHeaders[index + 1] ?? '');
      break;
    }
  }
  return picked;
}

/** The fast lane hands names over in lower case, as the same strings. */
function isNamed(name: string, wanted: string): boolean {
  return name === wanted || (name.length === wanted.length && name.toLowerCase() === wanted);
}
