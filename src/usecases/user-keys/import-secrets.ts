import { FlowplateError } from '../../domain/errors.ts';
import { sealImportSecret } from '../../domain/import-seal.ts';
import { revokesNothing } from '../../domain/key-change.ts';
import type { Keyring } from '../../domain/key-digest.ts';
import type { Caller, PlatformPrincipal } from '../../domain/principal.ts';
import type { Db } from '../../stores/postgres/database.ts';
import {
  type ImportSecret,
  insertImportSecret,
  isImportSecretUsed,
  deleteImportSecret as removeImportSecret,
  listImportSecrets as selectImportSecrets,
} from '../../stores/postgres/user-keys/import-secrets.ts';
import { type ChangeParts, change } from '../change.ts';

/** Secrets of HMACs by name, without the secrets. */
export function listImportSecrets({ db }: { db: Db }): Promise<ImportSecret[]> {
  return selectImportSecrets(db);
}

/** Keeps a secret, sealed under the pepper. `IMPORT_SECRET_ALREADY_EXISTS`. */
export async function createImportSecret(
  parts: ChangeParts & { keyring: Keyring },
  caller: Caller<PlatformPrincipal>,
  { name, secret }: { name: string; secret: Buffer },
): Promise<ImportSecret> {
  const { answer } = await change(parts, { by: caller }, async (tx, now) => {
    const kept = { name, createdBy: caller.principal.id, createdAt: now };
    const sealed = sealImportSecret(parts.keyring, name, secret);
    if (!(await insertImportSecret(tx, { ...kept, pepperId: parts.keyring[0].id, sealed }))) {
      throw new FlowplateError('IMPORT_SECRET_ALREADY_EXISTS', { details: { name } });
    }
    const event = {
      eventType: 'import_secret.created',
      organizationId: null,
      targetId: name,
      details: {},
    } as const;
    return { answer: kept, events: [event], revokes: revokesNothing };
  });
  return answer;
}

/**
 * Deletes a secret. `IMPORT_SECRET_NOT_FOUND`; `IMPORT_SECRET_IN_USE` while a living key that was
 * imported with it waits for its first use. Deletes first and checks afterwards: an import locks
 * the row until its keys are visible.
 */
export async function deleteImportSecret(
  parts: ChangeParts,
  caller: Caller<PlatformPrincipal>,
  name: string,
): Promise<void> {
  await change(parts, { by: caller }, async (tx) => {
    if (!(await removeImportSecret(tx, name))) throw new FlowplateError('IMPORT_SECRET_NOT_FOUND');
    if (await isImportSecretUsed(tx, name)) {
      throw new FlowplateError('IMPORT_SECRET_IN_USE', { details: { name } });
    }
    const event = {
      eventType: 'import_secret.deleted',
      organizationId: null,
      targetId: name,
      details: {},
    } as const;
    return { answer: {}, events: [event], revokes: revokesNothing };
  });
}
