/** Characters that no header value may have; node:http refuses them too. */
const unsendable = /[^\t\x20-\x7e\x80-\xff]/;

/** Names are few, and all from our own code. */
const lineStarts = new Map<string, string>();

/**
 * Header lines from a flat list of names and values, each with its line end before it. Throws for a
 * value that could end its line early (CWE-113).
 */
export function headerText(list: readonly string[]): string {
  let text = '';
  let values = '';
  for (let at = 0; at < list.length; at += 2) {
    const value = list[at + 1] as string;
    text += lineStartOf(list[at] as string) + value;
    values += value;
  }
  if (unsendable.test(values))
    throw new Error('A header of an answer has a character that no header may have');
  return text;
}

function lineStartOf(name: string): string {
  let start = lineStarts.get(name);
  if (start === undefined) {
    start = `\r\n${name}: `;
    lineStarts.set(name, start);
  }
  return start;
}
