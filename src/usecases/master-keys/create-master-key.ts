import type { Origin } from '../../domain/audit-event.ts';
import { validationError } from '../../domain/errors.ts';
import type { Idempotency } from '../../domain/idempotency.ts';
import { chosenSecretLengthMin } from '../../domain/master-key.ts';
import type { Caller, PlatformPrincipal } from '../../domain/principal.ts';
import { change } from '../change.ts';
import { requireConfirmed } from '../sessions/own-session.ts';
import {
  type CreatedMasterKey,
  issueMasterKey,
  type MasterKeyParts,
  type MasterKeyRequest,
  storeMasterKey,
  tellsOfMasterKey,
  toCreated,
} from './issue-master-key.ts';

/**
 * Creates a master key; only this answer has its secret. `chosenSecret` is chosen by an operator,
 * with at least 32 characters, and is stored under argon2id unless we generated it.
 * `STEP_UP_REQUIRED`.
 */
export async function createMasterKey(
  parts: MasterKeyParts,
  by: Caller<PlatformPrincipal> | Origin,
  request: MasterKeyRequest & { chosenSecret?: string | undefined },
  idempotency?: Idempotency,
): Promise<CreatedMasterKey & { isReplay: boolean }> {
  const { chosenSecret } = request;
  if (chosenSecret !== undefined && chosenSecret.length < chosenSecretLengthMin) {
    throw validationError([
      { path: 'secret', message: `must have at least ${chosenSecretLengthMin} characters` },
    ]);
  }
  const issued = await issueMasterKey(parts, request, chosenSecret);
  const options = { by, idempotency };
  const { answer, isReplay } = await change<CreatedMasterKey>(parts, options, async (tx, now) => {
    await requireConfirmed(tx, by, now);
    return {
      answer: toCreated(issued),
      events: [await storeMasterKey(tx, issued)],
      revokes: tellsOfMasterKey(issued),
    };
  });
  return { ...answer, isReplay };
}
