import type { Readable, Writable } from 'node:stream';

/** Copies lines with a name in front, to distinguish the output of several programs. */
export function prefixLines(from: Readable, name: string, to: Writable): void {
  let rest = '';
  from.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    to.write(lines.map((line) => `${name} | ${line}\n`).join(''));
  });
  from.on('end', () => {
    if (rest !== '') to.write(`${name} | ${rest}\n`);
  });
}
