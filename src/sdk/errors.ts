import type { ErrorCode, ErrorDetails } from '../domain/errors.ts';

/**
 * A refusal by the API. Decide by `code`, and expect new codes. An id that cannot be part of a path
 * gives `VALIDATION_ERROR` without a trace id, and nothing is sent.
 */
export class FlowplateApiError extends Error {
  /** `UNEXPECTED_ANSWER`: not from Flowplate, or in an unknown form. */
  readonly code: ErrorCode | 'UNEXPECTED_ANSWER';
  readonly status: number;
  /** Id of the request in Flowplate's log. */
  readonly traceId: string | undefined;
  readonly details: ErrorDetails;
  readonly retryAfterSeconds: number | undefined;

  constructor(answer: {
    code: ErrorCode | 'UNEXPECTED_ANSWER';
    status: number;
    message: string;
    traceId: string | undefined;
    details: ErrorDetails;
    retryAfterSeconds: number | undefined;
  }) {
    super(`${answer.code}: ${answer.message}`);
    this.name = 'FlowplateApiError';
    this.code = answer.code;
    this.status = answer.status;
    this.traceId = answer.traceId;
    this.details = answer.details;
    this.retryAfterSeconds = answer.retryAfterSeconds;
  }
}

/** No answer. A change may have been carried out or not. */
export class FlowplateUnreachableError extends Error {
  readonly reason: 'network' | 'timeout';

  constructor(reason: 'network' | 'timeout', cause?: unknown) {
    super(reason === 'timeout' ? 'Flowplate did not answer in time' : 'Flowplate could not be reached', {
      cause,
    });
    this.name = 'FlowplateUnreachableError';
    this.reason = reason;
  }
}

/** A verification without a verdict. Refuse the request; `cause` says why. */
export class FlowplateUndecidedError extends Error {
  constructor(cause: unknown) {
    super('The key could not be verified', { cause });
    this.name = 'FlowplateUndecidedError';
  }
}
