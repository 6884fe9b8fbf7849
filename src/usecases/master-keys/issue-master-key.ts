import { newAuditEvent, type Origin } from '../../domain/audit-event.ts';
import type { Clock, RandomBytes } from '../../domain/clock.ts';
import { newId } from '../../domain/ids.ts';
import { digestSecret, type Keyring } from '../../domain/key-digest.ts';
import { newSecret, parseSecret } from '../../domain/key-format.ts';
import type { MasterKey } from '../../domain/master-key.ts';
import { hashPassword } from '../../domain/password-hash.ts';
import { insertAuditEvents } from '../../stores/postgres/audit-events.ts';
import type { Database, Tx } from '../../stores/postgres/database.ts';
import { insertMasterKey, type MasterKeySecret } from '../../stores/postgres/master-keys.ts';
import { type ShownMasterKey, shown } from './shown-master-key.ts';

export type MasterKeyRequest = Pick<
  MasterKey,
  'name' | 'permissions' | 'organizationIds' | 'environments' | 'ipAllowlist' | 'expiresAt'
>;

export type MasterKeyParts = {
  db: Database;
  clock: Clock;
  randomBytes: RandomBytes;
  keyring: Keyring;
  /** The environment that stands in generated secrets. */
  environment: string;
};

/** What is told once. */
export type CreatedMasterKey = { masterKey: ShownMasterKey; secret: string };

export type IssuedMasterKey = { masterKey: MasterKey; secret: string; stored: MasterKeySecret };

/** Everything but the storing; hashing takes its time and must not happen inside a transaction. */
export async function issueMasterKey(
  parts: Omit<MasterKeyParts, 'db'>,
  request: MasterKeyRequest,
  chosenSecret?: string,
): Promise<IssuedMasterKey> {
  const now = parts.clock.now();
  const secret = chosenSecret ?? newSecret('master', parts.environment, parts.randomBytes);
  const parsed = parseSecret(secret);
  const stored =
    parsed?.kind === 'master'
      ? { digest: digestSecret(parts.keyring[0], secret) }
      : { passwordHash: await hashPassword(secret) };
  const { name, permissions, organizationIds, environments, ipAllowlist, expiresAt } = request;
  const masterKey: MasterKey = {
    ...{ name, permissions, organizationIds, environments, ipAllowlist, expiresAt },
    id: newId('masterKey', now, parts.randomBytes),
    keyPrefix: parsed?.kind === 'master' ? parsed.prefix : null,
    revokedAt: null,
    createdAt: now,
    revision: 1,
  };
  return { masterKey, secret, stored };
}

export async function storeMasterKey(
  parts: Pick<MasterKeyParts, 'randomBytes'>,
  tx: Tx,
  origin: Origin,
  { masterKey, stored }: IssuedMasterKey,
): Promise<void> {
  await insertMasterKey(tx, masterKey, stored);
  const at = { now: masterKey.createdAt, randomBytes: parts.randomBytes };
  const event = newAuditEvent(at, origin, {
    eventType: 'master_key.created',
    organizationId: null,
    targetId: masterKey.id,
    details: { name: masterKey.name, permissions: masterKey.permissions },
  });
  await insertAuditEvents(tx, [event]);
}

export function toCreated({ masterKey, secret }: IssuedMasterKey): CreatedMasterKey {
  return { masterKey: shown(masterKey, masterKey.createdAt), secret };
}
