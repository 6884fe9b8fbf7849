import { type MasterKey, type MasterKeyStatus, statusOf } from '../../domain/master-key.ts';
import type { Db } from '../../stores/postgres/database.ts';
import { type MasterKeyUse, readMasterKeyUse } from '../../stores/postgres/master-keys/master-keys.ts';

/**
 * A master key as super-admins see it. Plain values, since it may be stored as text for a repeated
 * request.
 */
export type MasterKeyView = Omit<MasterKey, 'expiresAt' | 'revokedAt' | 'createdAt' | 'revision'> & {
  status: MasterKeyStatus;
  expiresAt: string | null;
  revokedAt: string | null;
  createdAt: string;
  /** Time of the last use. */
  lastUsedAt: string | null;
  /** Number of keys that it minted. */
  mintedCount: number;
};

const unused: MasterKeyUse = { minted: 0, lastUsedAt: null };

export function toMasterKeyView(whole: MasterKey, now: Date, use = unused): MasterKeyView {
  const { revision: _, ...masterKey } = whole;
  return {
    ...masterKey,
    status: statusOf(whole, now.getTime()),
    expiresAt: masterKey.expiresAt?.toISOString() ?? null,
    revokedAt: masterKey.revokedAt?.toISOString() ?? null,
    createdAt: masterKey.createdAt.toISOString(),
    lastUsedAt: use.lastUsedAt?.toISOString() ?? null,
    mintedCount: use.minted,
  };
}

export async function withUsage(
  db: Db,
  masterKeys: readonly MasterKey[],
  now: Date,
): Promise<MasterKeyView[]> {
  const ids = masterKeys.map(({ id }) => id);
  const uses = await readMasterKeyUse(db, ids);
  return masterKeys.map((masterKey) => toMasterKeyView(masterKey, now, uses.get(masterKey.id)));
}
