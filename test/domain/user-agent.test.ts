import { expect, test } from 'vitest';
import { readUserAgent } from '../../src/domain/user-agent.ts';

test('a user agent keeps printable ASCII alone, and at most 200 characters of it', () => {
  expect(readUserAgent('Mozilla/5.0\r\n\u001b[31m (X11)\u00ff')).toBe('Mozilla/5.0[31m (X11)');
  expect(readUserAgent('x'.repeat(9_000))).toHaveLength(200);
});

test('a secret in it is cut to its public part', () => {
  expect(readUserAgent('curl flplatform_abcdefgh0123456789abcdef')).toBe(
    'curl flplatform_abcdefgh…'.replace('…', ''),
  );
});

test('one without text is none', () => {
  expect([undefined, '', ' \t '].map(readUserAgent)).toEqual([undefined, undefined, undefined]);
});
