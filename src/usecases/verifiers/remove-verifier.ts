import { FlowplateError } from '../../domain/errors.ts';
import type { MasterKeyPrincipal } from '../../domain/principal.ts';
import type { Database } from '../../stores/postgres/database.ts';
import { deleteEmbeddedVerifier } from '../../stores/postgres/verifiers/embedded-verifiers.ts';

export type RemoveParts = { db: Database };

/** Ends an unused lease, so that no revoke waits for it. */
export async function removeVerifier(
  parts: RemoveParts,
  principal: MasterKeyPrincipal,
  verifierId: string,
): Promise<void> {
  const isRemoved = await deleteEmbeddedVerifier(parts.db, { id: verifierId, masterKeyId: principal.id });
  if (!isRemoved) throw new FlowplateError('VERIFIER_NOT_FOUND');
}
