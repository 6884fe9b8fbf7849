type Violation = { path: string; message: string };

/** A refusal of the API, with messages by field. */
export class ApiFault extends Error {
  readonly status: number;
  readonly code: string;
  /** By field name. */
  readonly fields: Readonly<Record<string, string>>;
  readonly traceId: string | undefined;
  /** As the server sent it; its shape depends on the code. */
  readonly details: unknown;

  constructor(told: {
    message: string;
    status: number;
    code: string;
    fields: Record<string, string>;
    details: unknown;
    traceId?: string;
  }) {
    super(told.message);
    this.status = told.status;
    this.code = told.code;
    this.fields = told.fields;
    this.traceId = told.traceId;
    this.details = told.details;
  }
}

type Envelope = { error?: { code?: string; message?: string; trace_id?: string; details?: unknown } };

export function faultOf(status: number, body: unknown): ApiFault {
  const { code = 'UNKNOWN', message, trace_id, details } = (body as Envelope | undefined)?.error ?? {};
  return new ApiFault({
    status,
    code,
    message: message ?? `The server answered with status ${status}.`,
    fields: fieldsOf(details),
    details,
    ...(trace_id !== undefined && { traceId: trace_id }),
  });
}

/** Maps `role_ids.0` to the field `role_ids`. */
function fieldsOf(details: unknown): Record<string, string> {
  if (!Array.isArray(details)) return {};
  const violations = details as Violation[];
  return Object.fromEntries(violations.map(({ path, message }) => [path.split('.')[0] ?? '', message]));
}

export function isSessionOver(error: unknown): boolean {
  return error instanceof ApiFault && error.code === 'AUTHENTICATION_REQUIRED';
}
