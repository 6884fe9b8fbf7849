// C0 and C1 control characters, and those that change the text direction. A tenant's name must not
// move the cursor, colour the screen or read backwards in an operator's terminal (CWE-150).
const unprintable = /[\p{Cc}\u2028-\u202e\u2066-\u2069\u200e\u200f\u061c]/gu;

/** Escapes foreign text for one line of a terminal. */
export function printable(text: string): string {
  return text.replaceAll(unprintable, escaped);
}

/** JSON with such characters escaped; it parses to the same value. */
export function printableJson(value: unknown): string {
  const text = JSON.stringify(value, null, 2);
  return text.replaceAll(unprintable, (character) => (character === '\n' ? character : escaped(character)));
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
