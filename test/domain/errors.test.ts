import { expect, test } from 'vitest';
import { errorCodes, FlowplateError, validationError } from '../../src/domain/errors.ts';
import { problems } from '../../src/http/problem.ts';

/** The contract's table: one type for each status, and no other. */
const typeOfStatus: Record<number, string> = {
  400: 'invalid_request_error',
  401: 'authentication_error',
  403: 'authorization_error',
  404: 'not_found_error',
  405: 'invalid_request_error',
  406: 'invalid_request_error',
  409: 'conflict_error',
  413: 'invalid_request_error',
  415: 'invalid_request_error',
  422: 'validation_error',
  429: 'rate_limit_error',
  500: 'internal_error',
  503: 'service_unavailable_error',
};

test('every code has its problem, and every problem its code', () => {
  expect(Object.keys(problems).sort()).toEqual([...errorCodes].sort());
});

test.each(Object.entries(problems))('%s has a status of the contract with its type', (_code, problem) => {
  expect(problem.type).toBe(typeOfStatus[problem.status]);
});

test.each([
  ['INVALID_JSON', 400],
  ['AMBIGUOUS_CREDENTIALS', 400],
  ['AUTHENTICATION_REQUIRED', 401],
  ['INSUFFICIENT_PERMISSIONS', 403],
  ['ORGANIZATION_SUSPENDED', 403],
  ['KEY_NOT_FOUND', 404],
  ['USER_NOT_FOUND', 404],
  ['ORGANIZATION_NOT_FOUND', 404],
  ['METHOD_NOT_ALLOWED', 405],
  ['NOT_ACCEPTABLE', 406],
  ['PAYLOAD_TOO_LARGE', 413],
  ['UNSUPPORTED_MEDIA_TYPE', 415],
  ['KEY_ALREADY_EXISTS', 409],
  ['IDEMPOTENCY_IN_PROGRESS', 409],
  ['VALIDATION_ERROR', 422],
  ['IDEMPOTENCY_KEY_REUSED', 422],
  ['TOO_MANY_ATTEMPTS', 429],
  ['INTERNAL_ERROR', 500],
  ['DEPENDENCY_UNAVAILABLE', 503],
  ['OVERLOADED', 503],
] as const)('the contract answers %s with %i', (code, status) => {
  expect(problems[code].status).toBe(status);
});

test('an error carries its code, its details and its cause, and without details an empty object', () => {
  const cause = new Error('why');
  const error = new FlowplateError('OVERLOADED', { cause, retryAfterSeconds: 2 });
  expect(error).toMatchObject({ code: 'OVERLOADED', details: {}, retryAfterSeconds: 2, cause });
  expect(new FlowplateError('KEY_NOT_FOUND')).not.toHaveProperty('cause');
});

test('a validation error lists every violation with its path', () => {
  const violations = [
    { path: 'user_id', message: 'is missing' },
    { path: 'quota.limit', message: 'must be positive' },
  ];
  expect(validationError(violations)).toMatchObject({ code: 'VALIDATION_ERROR', details: violations });
});
