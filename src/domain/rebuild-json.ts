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

/** Information of a JSON text that its parsed value lacks. */
export type JsonLoss = {
  kind: 'duplicate_member' | 'changed_number';
  /** Path of the value: `metadata.ids.0`. */
  path: string;
  /** Completes a sentence that begins with the path. */
  message: string;
};

/** Enough to correct a text by. */
const lossesMax = 20;

/** Omits the number: an unquoted secret is one too. */
const changedNumber = 'would be changed, since a double cannot hold it: send it as a string';

/** An object or a list under construction. */
type Frame = {
  container: Record<string, unknown> | unknown[];
  /** Names of an object so far, unescaped. */
  names: Set<string> | undefined;
  name: string;
  isAtValue: boolean;
};

/**
 * JSON parser that builds the value step by step and reports each loss with its path. Slower than
 * `JSON.parse`, so it runs only on texts that may lose something (read-json.ts).
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
  // `__proto__` is an ordinary member in JSON; an assignment would set the prototype.
  else
    Object.defineProperty(container, name, { value, writable: true, enumerable: true, configurable: true });
}

/** False for a duplicate name, with or without escapes. */
function takeName(frame: Frame, name: string): boolean {
  frame.name = name;
  const isNew = frame.names?.has(name) === false;
  frame.names?.add(name);
  return isNew;
}

/** Path of the current value. The outermost frame is the text itself. */
function pathOf([, ...frames]: readonly Frame[]): string {
  return frames
    .map(({ container, name }, index, { length }) =>
      Array.isArray(container) ? container.length - Number(index < length - 1) : name,
    )
    .join('.');
}
