/**
 * Closed list of error codes. `http/problem.ts` maps each one to its status in a `Record`, so that
 * a new code does not compile without one.
 */
export const errorCodes = [
  'INVALID_REQUEST',
  'INVALID_JSON',
  'AUTHORIZATION_PENDING',
  'SLOW_DOWN',
  'DEVICE_CODE_EXPIRED',
  'AMBIGUOUS_CREDENTIALS',
  'AUTHENTICATION_REQUIRED',
  'INVALID_CREDENTIALS',
  'SECOND_FACTOR_REQUIRED',
  'SECOND_FACTOR_INVALID',
  'INSUFFICIENT_PERMISSIONS',
  'ACCOUNT_INACTIVE',
  'PASSWORD_LOGIN_OFF',
  'STEP_UP_REQUIRED',
  'SECOND_FACTOR_MISSING',
  'SECOND_FACTORS_OFF',
  'SELF_ACTION_FORBIDDEN',
  'DEVICE_LOGIN_DENIED',
  'ORGANIZATION_SUSPENDED',
  'MINT_QUOTA_EXCEEDED',
  'ROUTE_NOT_FOUND',
  'KEY_NOT_FOUND',
  'USER_NOT_FOUND',
  'SESSION_NOT_FOUND',
  'SECOND_FACTOR_NOT_FOUND',
  'ORGANIZATION_NOT_FOUND',
  'ENVIRONMENT_NOT_FOUND',
  'ROLE_NOT_FOUND',
  'PERSON_NOT_FOUND',
  'MASTER_KEY_NOT_FOUND',
  'VERIFIER_NOT_FOUND',
  'DEVICE_CODE_NOT_FOUND',
  'JOB_NOT_FOUND',
  'WEBHOOK_NOT_FOUND',
  'IMPORT_SECRET_NOT_FOUND',
  'METHOD_NOT_ALLOWED',
  'NOT_ACCEPTABLE',
  'PAYLOAD_TOO_LARGE',
  'UNSUPPORTED_MEDIA_TYPE',
  'KEY_ALREADY_EXISTS',
  'KEY_NOT_ACTIVE',
  'KEY_NOT_QUARANTINED',
  'REPORT_ALREADY_RECEIVED',
  'SELECTION_CHANGED',
  'JOB_NOT_CANCELLABLE',
  'VERIFIER_BEHIND',
  'EMAIL_ALREADY_EXISTS',
  'SECOND_FACTOR_ALREADY_EXISTS',
  'ENVIRONMENT_ALREADY_EXISTS',
  'ENVIRONMENT_IN_USE',
  'IMPORT_SECRET_ALREADY_EXISTS',
  'IMPORT_SECRET_IN_USE',
  'ROLE_ALREADY_EXISTS',
  'ROLE_IN_USE',
  'PERSON_IN_USE',
  'ROLE_IMMUTABLE',
  'LAST_SUPER_ADMIN',
  'MANAGED_BY_PROVIDER',
  'ALREADY_BOOTSTRAPPED',
  'IDEMPOTENCY_IN_PROGRESS',
  'VALIDATION_ERROR',
  'IDEMPOTENCY_KEY_REUSED',
  'RATE_LIMITED',
  'TOO_MANY_ATTEMPTS',
  'INTERNAL_ERROR',
  'DEPENDENCY_UNAVAILABLE',
  'OVERLOADED',
] as const;

export type ErrorCode = (typeof errorCodes)[number];

export type Violation = { path: string; message: string };

export type ErrorDetails = Record<string, unknown> | readonly Violation[];

/** A limit of requests, as the `RateLimit` headers tell it. */
export type LimitState = {
  name: string;
  limit: number;
  windowSeconds: number;
  remaining: number;
  resetSeconds: number;
};

export type ErrorOptions = {
  /** For the calling engineer. Never carries a secret: it leaves the process. */
  systemMessage?: string;
  /** Machine-readable. For `VALIDATION_ERROR` the list of violations. */
  details?: ErrorDetails;
  retryAfterSeconds?: number;
  /** The limit that refused, for `RATE_LIMITED`. */
  limit?: LimitState;
  /** For the log only; it never leaves the process. */
  cause?: unknown;
};

/** The only error meant for callers. All other errors become a bare `INTERNAL_ERROR`. */
export class FlowplateError extends Error {
  readonly code: ErrorCode;
  readonly systemMessage: string | undefined;
  readonly details: ErrorDetails;
  readonly retryAfterSeconds: number | undefined;
  readonly limit: LimitState | undefined;

  constructor(code: ErrorCode, options: ErrorOptions = {}) {
    super(code, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'FlowplateError';
    this.code = code;
    this.systemMessage = options.systemMessage;
    this.details = options.details ?? {};
    this.retryAfterSeconds = options.retryAfterSeconds;
    this.limit = options.limit;
  }
}

/** Begins the message of a violation that names its field itself. */
export const unknownField = 'unknown field';

export function validationError(violations: readonly Violation[]): FlowplateError {
  return new FlowplateError('VALIDATION_ERROR', {
    systemMessage: violations.map(toSentence).join('; '),
    details: violations,
  });
}

/** `user_id` and `is required` make a sentence. A violation of the whole has no path. */
function toSentence({ path, message }: Violation): string {
  if (message.startsWith(unknownField)) return message;
  return path === '' ? `the request ${message}` : `\`${path}\` ${message}`;
}
