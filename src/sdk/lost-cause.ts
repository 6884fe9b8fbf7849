import { FlowplateApiError } from './errors.ts';

const permanent: readonly number[] = [400, 413, 415, 422];

/**
 * Whether a report to the broker failed for good. A retry would get the same error again, and hold
 * up all later reports.
 */
export function isLostCause(error: unknown): boolean {
  return error instanceof FlowplateApiError && permanent.includes(error.status);
}
