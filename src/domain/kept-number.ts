/**
 * A double keeps any 15 decimal digits (C's DBL_DIG), so a number that is as short and has no
 * exponent is kept.
 */
const keptDigits = 15;

const numberParts = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/;

/**
 * Whether the JSON number at `start` is unchanged after `JSON.parse` and `JSON.stringify`. Both
 * texts are compared as decimals: `1.0` and `1e0` are 1, 9007199254740993 would come back as …992,
 * and 1e400 as null.
 */
export function isKeptNumber(text: string, start: number, end: number): boolean {
  if (end - start <= keptDigits && !hasExponent(text, start, end)) return true;
  const source = text.slice(start, end);
  const value = Number(source);
  return Number.isFinite(value) && toDecimal(source) === toDecimal(String(value));
}

const smallE = 0x65;
const toSmall = 0x20;

/** Scans the character codes without a substring: every verification with a cost passes here. */
function hasExponent(text: string, start: number, end: number): boolean {
  for (let at = start; at < end; at++) if ((text.charCodeAt(at) | toSmall) === smallE) return true;
  return false;
}

/** Canonical decimal form: significant digits, and the position of the point. */
function toDecimal(text: string): string {
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = numberParts.exec(text) ?? [];
  const digits = whole + fraction;
  const first = digits.search(/[1-9]/);
  if (first < 0) return '0';
  // A loop, not /0+$/: the regex takes quadratic time on zeros inside the number.
  let end = digits.length;
  while (digits[end - 1] === '0') end--;
  return `${sign}0.${digits.slice(first, end)}e${whole.length - first + Number(exponent)}`;
}
