import {
  beginsNumber,
  closeBrace,
  closeBracket,
  colon,
  comma,
  endOfString,
  endOfWord,
  isBlank,
  openBrace,
  openBracket,
  quote,
} from './json-text.ts';
import { isKeptNumber } from './kept-number.ts';

/** Something that a JSON text says and its parsed value does not. */
export type JsonLoss = {
  kind: 'duplicate_member' | 'changed_number';
  /** Where it stands: `metadata.ids.0`. */
  path: string;
  /** The rest of a sentence that begins with the path. */
  message: string;
};

/** Enough to mend a text by. */
const lossesMax = 20;

/** Without the number: a secret without quotes is one as well. */
const changedNumber = 'would be changed, since a double cannot hold it: send it as a string';

/** An object or a list that is being filled. */
type Frame = {
  container: Record<string, unknown> | unknown[];
  /** Of an object: the names so far, as they are meant. */
  names: Set<string> | undefined;
  name: string;
  isAtValue: boolean;
};

/**
 * Builds the value of a valid JSON text piece by piece, and notes what would be lost with a path.
 * Slower than `JSON.parse`, so it is only for texts in which there may be something to note, or
 * whose names `JSON.parse` may read wrongly (read-json.ts).
 */
export function rebuildJson(text: string): { value: unknown; losses: JsonLoss[] } {
  const root: Frame = { container: [], names: undefined, name: '', isAtValue: true };
  const frames = [root];
  const losses: JsonLoss[] = [];
  const lose = (kind: JsonLoss['kind'], message: string) => {
    if (losses.length < lossesMax) losses.push({ kind, path: pathOf(frames), message });
  };
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    const frame = frames.at(-1) ?? root;
    if (isBlank(code) || code === comma) continue;
    if (code === openBrace)
      open(frames, frame, { container: {}, names: new Set(), name: '', isAtValue: false });
    else if (code === openBracket)
      open(frames, frame, { container: [], names: undefined, name: '', isAtValue: true });
    else if (code === closeBrace || code === closeBracket) frames.pop();
    else if (code === colon) frame.isAtValue = true;
    else {
      const end = code === quote ? endOfString(text, at) + 1 : endOfWord(text, at);
      const source = text.slice(at, end);
      if (frame.isAtValue) {
        if (beginsNumber(code) && !isKeptNumber(text, at, end)) lose('changed_number', changedNumber);
        put(frame, JSON.parse(source));
      } else if (!takeName(frame, JSON.parse(source))) {
        lose('duplicate_member', 'stands twice');
      }
      at = end - 1;
    }
  }
  return { value: (root.container as unknown[])[0], losses };
}

function open(frames: Frame[], outer: Frame, inner: Frame): void {
  put(outer, inner.container);
  frames.push(inner);
}

function put(frame: Frame, value: unknown): void {
  const { container, name } = frame;
  if (Array.isArray(container)) return void container.push(value);
  frame.isAtValue = false;
  if (name !== '__proto__') container[name] = value;
  // A member like any other in JSON; assigned, it would set the prototype.
  else
    Object.defineProperty(container, name, { value, writable: true, enumerable: true, configurable: true });
}

/** False when the object has one of that name already, however either is escaped. */
function takeName(frame: Frame, name: string): boolean {
  frame.name = name;
  const isNew = frame.names?.has(name) === false;
  frame.names?.add(name);
  return isNew;
}

/** Of what is looked at and not yet put. The outermost frame is the text itself. */
function pathOf([, ...frames]: readonly Frame[]): string {
  return frames
    .map(({ container, name }, index, { length }) =>
      Array.isArray(container) ? container.length - Number(index < length - 1) : name,
    )
    .join('.');
}
