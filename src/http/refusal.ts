import { type ErrorCode, FlowplateError } from '../domain/errors.ts';
import type { Caller, Principal } from '../domain/principal.ts';

/** Operation that a known caller was refused. */
export type Refusal = { caller: Caller<Principal>; operationId: string; code: ErrorCode };

const refusalCodes: readonly ErrorCode[] = ['INSUFFICIENT_PERMISSIONS', 'SELF_ACTION_FORBIDDEN'];

/** Whether an error is a refusal that the audit log names. */
export function isRefusal(error: unknown): error is FlowplateError {
  return error instanceof FlowplateError && refusalCodes.includes(error.code);
}
