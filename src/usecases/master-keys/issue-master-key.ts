import { newId } from '../../domain/ids.ts';
import { type KeyChange, type Revokes, revokesNothing } from '../../domain/key-change.ts';
import { digestSecret, type Keyring } from '../../domain/key-digest.ts';
import { newSecret, parseSecret } from '../../domain/key-format.ts';
import type { MasterKey } from '../../domain/master-key.ts';
import { type MasterKeySettings, unsetMasterKeySettings } from '../../domain/master-key-settings.ts';
import { hashPassword } from '../../password-hash.ts';
import type { Tx } from '../../stores/postgres/database.ts';
import { insertMasterKey, type MasterKeyCredential } from '../../stores/postgres/master-keys/master-keys.ts';
import { saveMintBounds } from '../../stores/postgres/master-keys/mint-bounds.ts';
import type { ChangeParts, EventDraft } from '../change.ts';
import { type MasterKeyView, toMasterKeyView, unused } from './master-key-view.ts';

export type MasterKeyRequest = Pick<
  MasterKey,
  'name' | 'permissions' | 'organizationIds' | 'environments' | 'ipAllowlist' | 'expiresAt'
> & { settings?: MasterKeySettings };

export type MasterKeyParts = ChangeParts & {
  keyring: Keyring;
  /** Environment named in generated secrets. */
  environment: string;
};

/** Shown once. */
export type CreatedMasterKey = { masterKey: MasterKeyView; secret: string };

export type IssuedMasterKey = {
  masterKey: MasterKey;
  secret: string;
  stored: MasterKeyCredential;
  settings: MasterKeySettings;
};

/**
 * Prepares a master key without storing it. Hashing is slow and must not run inside a transaction.
 */
export async function issueMasterKey(
  parts: Pick<MasterKeyParts, 'clock' | 'randomBytes' | 'keyring' | 'environment'>,
  request: MasterKeyRequest,
  chosenSecret?: string,
): Promise<IssuedMasterKey> {
  const secret = chosenSecret ?? newSecret('master', parts.environment, parts.randomBytes);
  const parsed = parseSecret(secret);
  const stored =
    parsed?.kind === 'master'
      ? { digest: digestSecret(parts.keyring[0], secret) }
      : { passwordHash: await hashPassword(secret) };
  const keyPrefix = parsed?.kind === 'master' ? parsed.prefix : null;
  return {
    masterKey: newMasterKey(parts, request, { keyPrefix, certificate: null, token: null }),
    secret,
    stored,
    settings: request.settings ?? unsetMasterKeySettings,
  };
}

/** A master key as it is stored first, whatever its credential. */
export function newMasterKey(
  { clock, randomBytes }: Pick<MasterKeyParts, 'clock' | 'randomBytes'>,
  request: MasterKeyRequest,
  credential: Pick<MasterKey, 'keyPrefix' | 'certificate' | 'token'>,
): MasterKey {
  const now = clock.now();
  const { name, permissions, organizationIds, environments, ipAllowlist, expiresAt } = request;
  return {
    ...{ name, permissions, organizationIds, environments, ipAllowlist, expiresAt },
    id: newId('masterKey', now, randomBytes),
    ...credential,
    revokedAt: null,
    revokedReason: null,
    createdAt: now,
    revision: 1,
  };
}

/** Stores it, and returns its audit event. */
export async function storeMasterKey(
  tx: Tx,
  { masterKey, stored, settings }: Omit<IssuedMasterKey, 'secret'>,
): Promise<EventDraft> {
  await insertMasterKey(tx, masterKey, stored, settings.keyAgeSecondsMax);
  await saveMintBounds(tx, masterKey.id, settings);
  return {
    eventType: 'master_key.created',
    organizationId: null,
    targetId: masterKey.id,
    details: {
      name: masterKey.name,
      permissions: masterKey.permissions,
      ...settingDetails(settings),
      ...('certificate' in stored && { certificate: stored.certificate }),
      ...('token' in stored && { token: stored.token }),
    },
  };
}

/** Settings that are set, for an audit event. */
function settingDetails({ mintQuota, livingKeysMax, keyAgeSecondsMax }: MasterKeySettings) {
  return {
    ...(mintQuota !== null && { mint_quota: mintQuota }),
    ...(livingKeysMax !== null && { living_keys_max: livingKeysMax }),
    ...(keyAgeSecondsMax !== null && { key_age_seconds_max: keyAgeSecondsMax }),
  };
}

/** Feed entry for a master key. Only the verifiers that use this key cache it. */
export function revokesMasterKey(masterKeyId: string, revision: number): Revokes {
  const change: KeyChange = { kind: 'master_key', subjectId: masterKeyId, revision, status: null };
  return { changes: [change], audience: { masterKeyId } };
}

/**
 * Feed entry for a new key with a chosen secret: API processes cache the hashes of chosen keys and
 * refuse other secrets. A generated secret needs no entry, since each process asks Postgres about
 * an unknown one.
 */
export function tellsOfMasterKey({ masterKey, stored }: IssuedMasterKey): Revokes {
  return 'digest' in stored ? revokesNothing : revokesMasterKey(masterKey.id, masterKey.revision);
}

export function toCreated({ masterKey, secret, settings }: IssuedMasterKey): CreatedMasterKey {
  return { masterKey: toMasterKeyView(masterKey, masterKey.createdAt, { ...unused, settings }), secret };
}
