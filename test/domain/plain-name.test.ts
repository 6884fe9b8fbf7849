import { expect, test } from 'vitest';
import { isPlainName } from '../../src/domain/plain-name.ts';

test.each(['Super-admin', 'Größe 猫', 'علی', 'می\u200cخواهم', '👨\u200d👩\u200d👧 family', 'a\u0301'])(
  '%j shows as what it is',
  (text) => {
    expect(isPlainName(text)).toBe(true);
  },
);

test.each([
  ['a control character', 'a\nb'],
  ['a bidirectional override', 'admin\u202e'],
  ['an isolate', 'a\u2066b'],
  ['a zero-width space', 'super\u200b-admin'],
  ['a word joiner', 'super\u2060-admin'],
  ['a byte order mark', '\ufeffadmin'],
  ['a soft hyphen', 'ad\u00admin'],
  ['half of a character', 'a\ud800'],
])('%s does not', (_what, text) => {
  expect(isPlainName(text)).toBe(false);
});
