import { expect, test } from 'vitest';
import { FlowplateError } from '../../src/domain/errors.ts';
import { errorType, sqlState } from '../../src/tracing/error-type.ts';

const withCode = (code: unknown) => Object.assign(new Error('a secret'), { code });

test.each([
  ['the code of a system call', withCode('ECONNREFUSED'), 'ECONNREFUSED', undefined],
  ['a state of Postgres', withCode('23505'), '23505', '23505'],
  ['a code of ours', new FlowplateError('OVERLOADED'), 'OVERLOADED', undefined],
  [
    'a state behind a code of ours',
    new FlowplateError('DEPENDENCY_UNAVAILABLE', { cause: withCode('57014') }),
    'DEPENDENCY_UNAVAILABLE',
    '57014',
  ],
  ['a class', new RangeError('a secret'), 'RangeError', undefined],
  ['a code that is a text of somebody', withCode('not a code'), 'Error', undefined],
  ['a number', withCode(7), 'Error', undefined],
  ['what is no error', 'a secret', 'Error', undefined],
])('%s', (_what, error, type, state) => {
  expect([errorType(error), sqlState(error)]).toEqual([type, state]);
});
