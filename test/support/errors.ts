import { expect } from 'vitest';
import { errorEnvelope } from '../../scripts/api-document/error-schemas.ts';
import type { ErrorCode } from '../../src/domain/errors.ts';
import type { Answer } from './call.ts';

/** Expects exactly the error envelope with this status and code, and answers with its `details`. */
export function expectError(answer: Answer, status: number, code: ErrorCode) {
  expect(answer.body?.error?.code, JSON.stringify(answer.body)).toBe(code);
  const { error } = errorEnvelope.parse(answer.body);
  expect({ status: answer.status, inBody: error.status }).toEqual({ status, inBody: status });
  expect(error.trace_id).toBe(answer.headers.get('x-request-id'));
  return error.details;
}

/** Expects the documented 503, which says when to come back. */
export function expectBusy(answer: Answer): void {
  expect(answer.body?.error?.code).toBeOneOf(['DEPENDENCY_UNAVAILABLE', 'OVERLOADED']);
  expectError(answer, 503, answer.body.error.code);
  expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
}

/** Expects a `VALIDATION_ERROR` that blames exactly these paths. */
export function expectViolations(answer: Answer, ...paths: string[]): void {
  const details = expectError(answer, 422, 'VALIDATION_ERROR') as Array<{ path: string }>;
  expect([...new Set(details.map((violation) => violation.path))]).toEqual(paths);
}

/** Bytes of an answer without trace id and time, which always differ. */
export function bytesOf(answer: Answer): string {
  const headers = [...answer.headers].filter(([name]) => !['date', 'x-request-id'].includes(name));
  const body = JSON.stringify(answer.body, (name, value) =>
    name === 'trace_id' || name === 'timestamp' ? '*' : value,
  );
  return JSON.stringify([answer.status, headers, body]);
}
