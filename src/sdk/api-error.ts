import type { ErrorCode, ErrorDetails } from '../domain/errors.ts';
import { FlowplateApiError } from './errors.ts';

type Envelope = {
  error: { code: ErrorCode; status: number; system_message: string; trace_id: string; details: ErrorDetails };
};

/**
 * Builds the error of a refused call. Copies nothing from an answer that is not ours: it may quote
 * the request, and with it a secret.
 */
export function toApiError(response: Response, text: string): FlowplateApiError {
  const error = parseEnvelope(text)?.error;
  return new FlowplateApiError({
    code: error?.code ?? 'UNEXPECTED_ANSWER',
    status: response.status,
    message: error?.system_message ?? `status ${response.status}`,
    traceId: error?.trace_id ?? response.headers.get('x-request-id') ?? undefined,
    details: error?.details ?? {},
    retryAfterSeconds: readSeconds(response.headers.get('retry-after')),
  });
}

/** The error of one line of an answer; undefined for a line that is none. */
export function toLineError(line: unknown): FlowplateApiError | undefined {
  const { error } = (line ?? {}) as Partial<Envelope>;
  if (typeof error?.code !== 'string') return undefined;
  const { code, status, system_message: message, trace_id: traceId, details } = error;
  return new FlowplateApiError({ code, status, message, traceId, details, retryAfterSeconds: undefined });
}

/** For an answer that is no refusal, and not what was asked for either. */
export function unexpectedAnswer(response: Pick<Response, 'status' | 'headers'>): FlowplateApiError {
  return new FlowplateApiError({
    code: 'UNEXPECTED_ANSWER',
    status: response.status,
    message: `status ${response.status}`,
    traceId: response.headers.get('x-request-id') ?? undefined,
    details: {},
    retryAfterSeconds: undefined,
  });
}

/**
 * Error for an id that cannot be part of a path, with the code that it has in a body. Nothing is
 * sent, because the path would name another resource.
 */
export function refusedId(name: string, message: string): FlowplateApiError {
  return new FlowplateApiError({
    code: 'VALIDATION_ERROR',
    status: 422,
    message: `\`${name}\` ${message}`,
    traceId: undefined,
    details: [{ path: name, message }],
    retryAfterSeconds: undefined,
  });
}

function parseEnvelope(text: string): Envelope | undefined {
  try {
    const body = JSON.parse(text) as Partial<Envelope> | null;
    return typeof body?.error?.code === 'string' ? (body as Envelope) : undefined;
  } catch {
    return undefined;
  }
}

function readSeconds(retryAfter: string | null): number | undefined {
  return retryAfter !== null && /^\d{1,6}$/.test(retryAfter) ? Number(retryAfter) : undefined;
}
