/** `isRemoved`: on a line that a diff takes away; it stays in the history. */
export type Place = { file: string; line: number; isRemoved: boolean };

type Hunk = { oldLine: number; newLine: number; oldLeft: number; newLeft: number };

/** Longer lines are no header of a diff. */
const headLengthMax = 4_096;

/**
 * File and line of a position in a text that comes in pieces. In the output of `git diff`, `git
 * show` and `git log -p` these are the file and the line that the diff is about.
 */
export class LinePlaces {
  readonly #name: string;
  #line = 1;
  /** Beginning of the line in progress. */
  #head = '';
  #isDiff = false;
  #oldFile: string | undefined;
  #newFile: string | undefined;
  #hunk: Hunk | undefined;

  constructor(name: string) {
    this.#name = name;
  }

  /** Goes on over `text` from one offset to another. */
  advance(text: string, from: number, to: number): void {
    let start = from;
    for (let end = text.indexOf('\n', start); end >= 0 && end < to; end = text.indexOf('\n', start)) {
      this.#endLine(text, start, end);
      start = end + 1;
    }
    if (this.#head.length < headLengthMax) {
      this.#head += text.slice(start, Math.min(to, start + headLengthMax));
    }
  }

  here(): Place {
    const own = { file: this.#name, line: this.#line, isRemoved: false };
    const hunk = this.#hunk;
    if (hunk === undefined) return own;
    const isRemoved = this.#head.startsWith('-');
    const file = isRemoved ? this.#oldFile : this.#newFile;
    return { file: file ?? this.#name, line: isRemoved ? hunk.oldLine : hunk.newLine, isRemoved };
  }

  #endLine(text: string, start: number, end: number): void {
    this.#line++;
    // Most lines of most files: nothing is cut out of the text.
    if (this.#isDiff || this.#head !== '' || text[start] === 'd') {
      const line = this.#head + text.slice(start, Math.min(end, start + headLengthMax));
      this.#head = '';
      this.#readLine(line.endsWith('\r') ? line.slice(0, -1) : line);
    }
  }

  #readLine(line: string): void {
    if (this.#hunk !== undefined) this.#hunk = after(this.#hunk, line);
    else if (line.startsWith('diff --git ')) {
      this.#isDiff = true;
      this.#oldFile = undefined;
      this.#newFile = undefined;
    } else if (this.#isDiff) this.#readHeader(line);
  }

  #readHeader(line: string): void {
    if (line.startsWith('--- ')) this.#oldFile = fileOf(line);
    else if (line.startsWith('+++ ')) this.#newFile = fileOf(line);
    else this.#hunk = hunkOf(line);
  }
}

/** The hunk after one of its lines; undefined behind its last one. */
function after(hunk: Hunk, line: string): Hunk | undefined {
  const isOld = line[0] !== '+' && line[0] !== '\\';
  const isNew = line[0] !== '-' && line[0] !== '\\';
  const next = {
    oldLine: hunk.oldLine + Number(isOld),
    newLine: hunk.newLine + Number(isNew),
    oldLeft: hunk.oldLeft - Number(isOld),
    newLeft: hunk.newLeft - Number(isNew),
  };
  return next.oldLeft > 0 || next.newLeft > 0 ? next : undefined;
}

function hunkOf(line: string): Hunk | undefined {
  const match = /^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@/.exec(line);
  if (match === null) return undefined;
  const [, oldLine, oldLeft = '1', newLine, newLeft = '1'] = match;
  const hunk = {
    oldLine: Number(oldLine),
    newLine: Number(newLine),
    oldLeft: Number(oldLeft),
    newLeft: Number(newLeft),
  };
  return hunk.oldLeft > 0 || hunk.newLeft > 0 ? hunk : undefined;
}

/** Of `--- a/path` and `+++ b/path`; git ends a path with spaces by a tab. */
function fileOf(line: string): string | undefined {
  const [path = ''] = line.slice('--- '.length).split('\t', 1);
  return path === '/dev/null' ? undefined : path.replace(/^("?)[a-z]\//, '$1');
}
