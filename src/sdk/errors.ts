import type { ErrorCode, ErrorDetails } from '../domain/errors.ts';

/**
 * The API said no. `code` is what to decide by; expect further codes. An id that cannot stand in a
 * path is refused without asking: `VALIDATION_ERROR` without a trace id.
 */
export class FlowplateApiError extends Error {
  /** `UNEXPECTED_ANSWER`: not from Flowplate, or not in a form that this version knows. */
  readonly code: ErrorCode | 'UNEXPECTED_ANSWER';
  readonly status: number;
  /** Names the request in Flowplate's log. */
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

/** No answer came. Whether the request was carried out is not known, unless it only reads. */
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

/** A verification that could not be decided; whoever gets it lets nobody in. `cause` says why. */
export class FlowplateUndecidedError extends Error {
  constructor(cause: unknown) {
    super('The key could not be verified', { cause });
    this.name = 'FlowplateUndecidedError';
  }
}
