import { z } from 'zod';
import { validationError } from '../domain/errors.ts';
import { type RevocationReason, revocationReasons } from '../domain/revocation-reason.ts';

const reason = z
  .enum(revocationReasons)
  .optional()
  .describe('Why it ends: shown as `revoked_reason`, and kept in the audit log. `unspecified` unless set');

/** Query and body of every request that ends a credential. A DELETE rarely has a body. */
export const reasonField = { reason };
export const reasonFields = z.strictObject(reasonField);

/** How a reason is shown, wherever a key is. */
export const revokedReason = z
  .enum(revocationReasons)
  .nullable()
  .describe('Null until it is revoked. Expect further reasons');

type Given = { reason?: RevocationReason | undefined };

export type GivenReason = { query: Given; body: Given };

/** The reason from the query or the body. Of two different ones none may be ignored. */
export function reasonOf({ query, body }: GivenReason): RevocationReason {
  if (query.reason !== undefined && body.reason !== undefined && query.reason !== body.reason) {
    throw validationError([{ path: 'reason', message: 'differs between query and body' }]);
  }
  return query.reason ?? body.reason ?? 'unspecified';
}
