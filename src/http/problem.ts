import { type ErrorCode, FlowplateError, validationError } from '../domain/errors.ts';
import type { Log } from '../log.ts';
import type { Tracing } from '../tracing/tracing.ts';
import { acceptedType } from './accepted-type.ts';
import type { HttpExchange } from './exchange.ts';
import { rateLimitHeaders } from './rate-limit-headers.ts';
import { patchTypes } from './read-body.ts';
import type { RefusalPace } from './refusal-pace.ts';
import { challengesOf, type SecurityScheme } from './security-schemes.ts';
import type { WholeAnswer } from './send-whole.ts';

type Problem = { status: number; type: string; message: string; systemMessage: string };

const invalidRequest = 'invalid_request_error';
const notFound = 'not_found_error';
const conflict = 'conflict_error';
const unavailable = 'service_unavailable_error';

/** Status, type and texts of each error code: the only place where an error becomes HTTP. */
export const problems: Record<ErrorCode, Problem> = {
  INVALID_REQUEST: {
    status: 400,
    type: invalidRequest,
    message: 'The request is not valid.',
    systemMessage: 'A request has exactly one Host header',
  },
  INVALID_JSON: {
    status: 400,
    type: invalidRequest,
    message: 'The request body could not be read.',
    systemMessage: 'The body is not valid JSON in UTF-8',
  },
  AUTHORIZATION_PENDING: {
    status: 400,
    type: invalidRequest,
    message: 'Nobody has approved the log-in yet.',
    systemMessage: 'Ask again after `interval` seconds (RFC 8628 §3.5)',
  },
  SLOW_DOWN: {
    status: 400,
    type: invalidRequest,
    message: 'The log-in was asked for too often.',
    systemMessage: 'Add five seconds to the interval, and ask again after it (RFC 8628 §3.5)',
  },
  DEVICE_CODE_EXPIRED: {
    status: 400,
    type: invalidRequest,
    message: 'The log-in has expired. Start again.',
    systemMessage: 'The device code is unknown, too old, or was used',
  },
  AMBIGUOUS_CREDENTIALS: {
    status: 400,
    type: invalidRequest,
    message: 'More than one credential was sent.',
    systemMessage: 'Two credential headers differ, or one was sent twice with different values',
  },
  AUTHENTICATION_REQUIRED: {
    status: 401,
    type: 'authentication_error',
    message: 'Authentication required. Please provide a valid API key.',
    systemMessage: 'Missing or invalid authorization header',
  },
  INVALID_CREDENTIALS: {
    status: 401,
    type: 'authentication_error',
    message: 'The e-mail address or the password is wrong.',
    systemMessage: 'Unknown e-mail address, wrong password, or a user that is not active',
  },
  SECOND_FACTOR_REQUIRED: {
    status: 401,
    type: 'authentication_error',
    message: 'This account has a second factor. Please confirm with it.',
    systemMessage: 'Send the same request with `second_factor`; details.methods lists what counts',
  },
  SECOND_FACTOR_INVALID: {
    status: 401,
    type: 'authentication_error',
    message: 'The code or the passkey is not valid. Please try a new one.',
    systemMessage: 'The proof of the second factor is wrong, was used already, or has expired',
  },
  INSUFFICIENT_PERMISSIONS: {
    status: 403,
    type: 'authorization_error',
    message: 'You do not have permission to access this resource.',
    systemMessage: 'Insufficient permissions for this operation',
  },
  ACCOUNT_INACTIVE: {
    status: 403,
    type: 'authorization_error',
    message: 'This account is not active.',
    systemMessage: 'The user behind this credential was deactivated',
  },
  PASSWORD_LOGIN_OFF: {
    status: 403,
    type: 'authorization_error',
    message: 'Sign in with the company account instead of a password.',
    systemMessage: 'PASSWORD_LOGIN is break-glass, and this account is not marked as one',
  },
  DEVICE_LOGIN_DENIED: {
    status: 403,
    type: 'authorization_error',
    message: 'The log-in was denied in the browser.',
    systemMessage: 'The log-in was denied in the browser',
  },
  STEP_UP_REQUIRED: {
    status: 403,
    type: 'authorization_error',
    message: 'Please confirm that it is you.',
    systemMessage:
      'The session was not confirmed in the last 10 minutes: call POST /api/v1/platform/auth/confirm, then repeat',
  },
  SECOND_FACTOR_MISSING: {
    status: 403,
    type: 'authorization_error',
    message: 'This session needs a second factor first. Please set one up in your account.',
    systemMessage:
      'This deployment requires a second factor: set one up, or confirm this session with the one that exists',
  },
  SECOND_FACTORS_OFF: {
    status: 403,
    type: 'authorization_error',
    message: 'Second factors are switched off here.',
    systemMessage: 'This deployment runs with SECOND_FACTOR=off',
  },
  SELF_ACTION_FORBIDDEN: {
    status: 403,
    type: 'authorization_error',
    message: 'You cannot do this to your own account.',
    systemMessage: 'Ask another operator',
  },
  ORGANIZATION_SUSPENDED: {
    status: 403,
    type: 'authorization_error',
    message: 'This organization is suspended.',
    systemMessage: 'The organization is suspended or deleted',
  },
  MINT_QUOTA_EXCEEDED: {
    status: 403,
    type: 'authorization_error',
    message: 'This backend has as many living keys as it may have.',
    systemMessage: 'The master key has reached its living_keys_max: revoke keys, or have it raised',
  },
  ROUTE_NOT_FOUND: {
    status: 404,
    type: notFound,
    message: 'This address does not exist.',
    systemMessage: 'No route has this path',
  },
  KEY_NOT_FOUND: {
    status: 404,
    type: notFound,
    message: 'The API key was not found.',
    systemMessage: 'No such key',
  },
  USER_NOT_FOUND: {
    status: 404,
    type: notFound,
    message: 'The user was not found.',
    systemMessage: 'No such user',
  },
  SESSION_NOT_FOUND: {
    status: 404,
    type: notFound,
    message: 'The session was not found.',
    systemMessage: 'There is no session of yours with this id',
  },
  SECOND_FACTOR_NOT_FOUND: {
    status: 404,
    type: notFound,
    message: 'The second factor was not found.',
    systemMessage: 'There is no second factor of yours with this id',
  },
  ORGANIZATION_NOT_FOUND: {
    status: 404,
    type: notFound,
    message: 'The organization was not found.',
    systemMessage: 'No such organization',
  },
  IMPORT_SECRET_NOT_FOUND: {
    status: 404,
    type: notFound,
    message: 'The import secret was not found.',
    systemMessage: 'No such import secret',
  },
  JOB_NOT_FOUND: {
    status: 404,
    type: notFound,
    message: 'The job was not found.',
    systemMessage: 'No such job, or another caller ordered it',
  },
  WEBHOOK_NOT_FOUND: {
    status: 404,
    type: notFound,
    message: 'The webhook was not found.',
    systemMessage: 'No such webhook',
  },
  ENVIRONMENT_NOT_FOUND: {
    status: 404,
    type: notFound,
    message: 'The environment was not found.',
    systemMessage: 'No such environment in this organization',
  },
  ROLE_NOT_FOUND: {
    status: 404,
    type: notFound,
    message: 'The role was not found.',
    systemMessage: 'No such role',
  },
  PERSON_NOT_FOUND: {
    status: 404,
    type: notFound,
    message: 'The person was not found.',
    systemMessage: 'No user ever had this id',
  },
  MASTER_KEY_NOT_FOUND: {
    status: 404,
    type: notFound,
    message: 'The master key was not found.',
    systemMessage: 'No such master key, or it has ended',
  },
  VERIFIER_NOT_FOUND: {
    status: 404,
    type: notFound,
    message: 'The verifier was not found.',
    systemMessage: 'Unknown, ended, of another master key, or ahead of this feed: register again',
  },
  DEVICE_CODE_NOT_FOUND: {
    status: 404,
    type: notFound,
    message: 'No log-in with this code is waiting.',
    systemMessage: 'The code is wrong, too old, or was answered',
  },
  METHOD_NOT_ALLOWED: {
    status: 405,
    type: invalidRequest,
    message: 'This address does not support that method.',
    systemMessage: 'See the Allow header',
  },
  NOT_ACCEPTABLE: {
    status: 406,
    type: invalidRequest,
    message: 'The answer cannot be given in that format.',
    systemMessage: 'The Accept header allows neither application/json nor application/problem+json',
  },
  PAYLOAD_TOO_LARGE: {
    status: 413,
    type: invalidRequest,
    message: 'The request body is too large.',
    systemMessage: 'A body has at most 64 KiB',
  },
  UNSUPPORTED_MEDIA_TYPE: {
    status: 415,
    type: invalidRequest,
    message: 'The request body has the wrong format.',
    systemMessage: 'Send application/json without a content encoding',
  },
  KEY_ALREADY_EXISTS: {
    status: 409,
    type: conflict,
    message: 'An active API key exists already.',
    systemMessage: 'This user has an active key in this organization and environment: refresh or revoke it',
  },
  SELECTION_CHANGED: {
    status: 409,
    type: conflict,
    message: 'The keys are not the ones of the preview any more. Please look at them again.',
    systemMessage: 'Keys came in, or changed, that the preview did not show: repeat it with dry_run',
  },
  JOB_NOT_CANCELLABLE: {
    status: 409,
    type: conflict,
    message: 'These keys are revoked already.',
    systemMessage: 'A stop took effect at once: its job only writes it into the rows',
  },
  KEY_NOT_ACTIVE: {
    status: 409,
    type: conflict,
    message: 'The API key is no longer active.',
    systemMessage: 'A key that was refreshed, revoked or has expired cannot be changed',
  },
  KEY_NOT_QUARANTINED: {
    status: 409,
    type: conflict,
    message: 'The API key is not quarantined.',
    systemMessage: 'Only a quarantined key can be released, within an hour of the report',
  },
  REPORT_ALREADY_RECEIVED: {
    status: 409,
    type: conflict,
    message: 'This report was received before.',
    systemMessage: 'A report with this signature was carried out already',
  },
  VERIFIER_BEHIND: {
    status: 409,
    type: conflict,
    message: 'The verifier reports fewer changes than it had applied.',
    systemMessage: 'The reported position lies before the last answer: empty the caches and register again',
  },
  EMAIL_ALREADY_EXISTS: {
    status: 409,
    type: conflict,
    message: 'A user with this e-mail address exists already.',
    systemMessage: 'E-mail addresses are compared without regard to case',
  },
  SECOND_FACTOR_ALREADY_EXISTS: {
    status: 409,
    type: conflict,
    message: 'This second factor is set up already.',
    systemMessage: 'Remove the one that exists before you set up another',
  },
  ENVIRONMENT_ALREADY_EXISTS: {
    status: 409,
    type: conflict,
    message: 'An environment with this name exists already.',
    systemMessage: 'The name of an environment is unique in its organization',
  },
  IMPORT_SECRET_ALREADY_EXISTS: {
    status: 409,
    type: conflict,
    message: 'There is an import secret of this name.',
    systemMessage: 'Choose another name, or delete that secret first',
  },
  IMPORT_SECRET_IN_USE: {
    status: 409,
    type: conflict,
    message: 'Keys that were imported with this secret still wait for their first use.',
    systemMessage: 'Wait until the progress of the import says 0, or revoke those keys',
  },
  ENVIRONMENT_IN_USE: {
    status: 409,
    type: conflict,
    message: 'This environment still has keys.',
    systemMessage: 'The default environment, and one with unended keys, cannot be deleted',
  },
  ROLE_ALREADY_EXISTS: {
    status: 409,
    type: conflict,
    message: 'A role with this name exists already.',
    systemMessage: 'The name of a role is unique',
  },
  ROLE_IN_USE: {
    status: 409,
    type: conflict,
    message: 'This role is still in use.',
    systemMessage: 'A user or a platform key holds this role',
  },
  PERSON_IN_USE: {
    status: 409,
    type: conflict,
    message: 'This person still has a user account.',
    systemMessage: 'Delete the user first; erasing is for what is left of a deleted user',
  },
  ROLE_IMMUTABLE: {
    status: 409,
    type: conflict,
    message: 'Built-in roles cannot be changed.',
    systemMessage: 'Make a role of your own instead',
  },
  LAST_SUPER_ADMIN: {
    status: 409,
    type: conflict,
    message: 'The last super-admin cannot be removed.',
    systemMessage: 'At least one active user must hold role_platform_admin',
  },
  MANAGED_BY_PROVIDER: {
    status: 409,
    type: conflict,
    message: 'The identity provider of the company decides this.',
    systemMessage: 'The identity provider sets name, e-mail address, password and roles of this account',
  },
  ALREADY_BOOTSTRAPPED: {
    status: 409,
    type: conflict,
    message: 'The platform has its first administrator already.',
    systemMessage: 'Bootstrapping is possible only while there is no platform user',
  },
  IDEMPOTENCY_IN_PROGRESS: {
    status: 409,
    type: conflict,
    message: 'The same request is still being worked on.',
    systemMessage: 'A request with this Idempotency-Key is still running',
  },
  VALIDATION_ERROR: {
    status: 422,
    type: 'validation_error',
    message: 'The request is not valid.',
    systemMessage: 'See details',
  },
  IDEMPOTENCY_KEY_REUSED: {
    status: 422,
    type: 'validation_error',
    message: 'The idempotency key was used for another request.',
    systemMessage: 'Same Idempotency-Key, other body',
  },
  RATE_LIMITED: {
    status: 429,
    type: 'rate_limit_error',
    message: 'Too many requests. Please try again later.',
    systemMessage: 'This credential has reached its limit',
  },
  TOO_MANY_ATTEMPTS: {
    status: 429,
    type: 'rate_limit_error',
    message: 'Too many attempts. Please try again later.',
    systemMessage: 'Too many credentials are being checked at once',
  },
  INTERNAL_ERROR: {
    status: 500,
    type: 'internal_error',
    message: 'Something went wrong on our side.',
    systemMessage: 'Internal error',
  },
  DEPENDENCY_UNAVAILABLE: {
    status: 503,
    type: unavailable,
    message: 'The service is temporarily unavailable.',
    systemMessage: 'A dependency cannot answer at the moment',
  },
  OVERLOADED: {
    status: 503,
    type: unavailable,
    message: 'The service is overloaded. Please try again.',
    systemMessage: 'The queue is full',
  },
};

/**
 * Error handler. Errors other than `FlowplateError` are logged and sent as a bare `INTERNAL_ERROR`.
 * If the answer has begun, the connection is closed. `schemes`: challenges for a 401.
 * Returns the status.
 */
export function answerProblem(
  { log, refusalPace, tracing }: ProblemParts,
  thrown: unknown,
  exchange: ProblemExchange,
  schemes: readonly SecurityScheme[] = [],
): number {
  const { req, requestId } = exchange;
  const traceId = tracing?.traceIdOf(req) ?? requestId;
  const error = toFlowplateError(thrown);
  if (problems[error.code].status >= 500) {
    log.error({ err: thrown, cause: error.cause, request_id: requestId, code: error.code }, 'request failed');
  }
  const answer = toWhole({ req, requestId, traceId }, error, schemes);
  exchange.send({ ...answer, pace: isPaced(exchange, error) ? refusalPace : undefined });
  return answer.status;
}

export type ProblemParts = { log: Log; refusalPace: RefusalPace; tracing: Tracing | undefined };

type ProblemExchange = Pick<HttpExchange, 'req' | 'send' | 'requestId' | 'isCallerKnown'>;

function toFlowplateError(thrown: unknown): FlowplateError {
  if (thrown instanceof FlowplateError) return thrown;
  // Express's router refuses invalid percent-encoding before any route.
  if (thrown instanceof URIError)
    return validationError([{ path: 'path', message: 'is not valid percent-encoding' }]);
  return new FlowplateError('INTERNAL_ERROR', { cause: thrown });
}

/**
 * Too many refusals of callers who are not known wait for their turn. A fault of ours does not: who
 * calls could not be found out, and the callers may all be customers.
 */
function isPaced({ isCallerKnown }: ProblemExchange, { code }: FlowplateError): boolean {
  return !isCallerKnown() && problems[code].status < 500;
}

function toWhole(
  { req, requestId, traceId }: Pick<HttpExchange, 'req' | 'requestId'> & { traceId: string },
  error: FlowplateError,
  schemes: readonly SecurityScheme[],
): WholeAnswer {
  const { status } = problems[error.code];
  const type = acceptedType(req, ['application/json', 'application/problem+json']) || 'application/json';
  const shown =
    type === 'application/json' ? envelope(error, traceId) : problemBody(error, requestId, traceId);
  const body = JSON.stringify(shown);
  const bodyBytes = Buffer.byteLength(body);
  const headers = ['Content-Type', `${type}; charset=utf-8`];
  headers.push('Content-Length', String(bodyBytes), 'Cache-Control', 'no-store');
  if (status === 401) headers.push(...challengesOf(schemes).flatMap((one) => ['WWW-Authenticate', one]));
  if (status === 415 && req.method === 'PATCH') headers.push('Accept-Patch', patchTypes.join(', '));
  if (error.retryAfterSeconds !== undefined) headers.push('Retry-After', String(error.retryAfterSeconds));
  if (error.limit !== undefined) headers.push(...Object.entries(rateLimitHeaders(error.limit)).flat());
  // Unread body bytes would be parsed as the next request on this connection.
  const isClosing = status === 413 || error.code === 'INVALID_REQUEST';
  return { status, headers, body, bodyBytes, isClosing };
}

export type ErrorEnvelope = ReturnType<typeof envelope>;

/** The error of one line of a body, in the form that it has as an answer of its own. */
export function lineProblem(
  { log, tracing }: Pick<ProblemParts, 'log' | 'tracing'>,
  thrown: unknown,
  { req, requestId }: Pick<HttpExchange, 'req' | 'requestId'>,
): ErrorEnvelope {
  const error = toFlowplateError(thrown);
  if (problems[error.code].status >= 500) {
    log.error({ err: thrown, cause: error.cause, request_id: requestId, code: error.code }, 'line failed');
  }
  return envelope(error, tracing?.traceIdOf(req) ?? requestId);
}

function envelope(error: FlowplateError, traceId: string) {
  const { status, type, message, systemMessage } = problems[error.code];
  return {
    success: false,
    error: {
      code: error.code,
      message,
      system_message: error.systemMessage ?? systemMessage,
      type,
      status,
      trace_id: traceId,
      timestamp: new Date().toISOString(),
      details: error.details,
    },
  };
}

/**
 * RFC 9457 problem details: the same facts under the standard's names, ours as extension members.
 */
function problemBody(error: FlowplateError, requestId: string, traceId: string) {
  const { status, message, systemMessage, type } = problems[error.code];
  return {
    type: `urn:flowplate:problem:${error.code.toLowerCase().replaceAll('_', '-')}`,
    title: message,
    status,
    detail: error.systemMessage ?? systemMessage,
    instance: `urn:flowplate:request:${requestId}`,
    code: error.code,
    error_type: type,
    trace_id: traceId,
    timestamp: new Date().toISOString(),
    details: error.details,
  };
}
