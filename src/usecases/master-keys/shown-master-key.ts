import type { MasterKey } from '../../domain/master-key.ts';
import type { Db } from '../../stores/postgres/database.ts';
import { countMinted } from '../../stores/postgres/master-keys.ts';

/** A master key as super-admins see it. Plain values, since it may be kept as text for a repeated request. */
export type ShownMasterKey = Omit<MasterKey, 'expiresAt' | 'revokedAt' | 'createdAt' | 'revision'> & {
  expiresAt: string | null;
  revokedAt: string | null;
  createdAt: string;
  /** How many keys it has minted. */
  mintedCount: number;
};

export function shown({ revision: _, ...masterKey }: MasterKey, mintedCount: number): ShownMasterKey {
  return {
    ...masterKey,
    expiresAt: masterKey.expiresAt?.toISOString() ?? null,
    revokedAt: masterKey.revokedAt?.toISOString() ?? null,
    createdAt: masterKey.createdAt.toISOString(),
    mintedCount,
  };
}

export async function withMintedCounts(db: Db, masterKeys: readonly MasterKey[]): Promise<ShownMasterKey[]> {
  const minted = await countMinted(
    db,
    masterKeys.map(({ id }) => id),
  );
  return masterKeys.map((masterKey) => shown(masterKey, minted.get(masterKey.id) ?? 0));
}
