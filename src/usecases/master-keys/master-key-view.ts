import type { Clock } from '../../domain/clock.ts';
import { FlowplateError } from '../../domain/errors.ts';
import { type MasterKey, type MasterKeyStatus, statusOf } from '../../domain/master-key.ts';
import { type MasterKeySettings, unsetMasterKeySettings } from '../../domain/master-key-settings.ts';
import type { Db } from '../../stores/postgres/database.ts';
import {
  findMasterKey,
  type MasterKeyUse,
  readMasterKeyUse,
} from '../../stores/postgres/master-keys/master-keys.ts';
import { readMasterKeySettings } from '../../stores/postgres/master-keys/settings.ts';
import { readMintedTotals } from '../../stores/postgres/user-keys/minted-key-counts.ts';

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
  /** Of those, the keys that are active. */
  livingCount: number;
} & MasterKeySettings;

type Use = MasterKeyUse & { living: number; settings: MasterKeySettings };

export const unused: Use = { minted: 0, lastUsedAt: null, living: 0, settings: unsetMasterKeySettings };

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
    livingCount: use.living,
    ...use.settings,
  };
}

export async function withUsage(
  db: Db,
  masterKeys: readonly MasterKey[],
  now: Date,
): Promise<MasterKeyView[]> {
  const ids = masterKeys.map(({ id }) => id);
  const [uses, totals, settings] = await Promise.all([
    readMasterKeyUse(db, ids),
    readMintedTotals(db, ids),
    readMasterKeySettings(db, ids),
  ]);
  return masterKeys.map((masterKey) => {
    const { id } = masterKey;
    const use = uses.get(id) ?? unused;
    const living = totals.get(id)?.living ?? 0;
    return toMasterKeyView(masterKey, now, {
      ...use,
      living,
      settings: settings.get(id) ?? unsetMasterKeySettings,
    });
  });
}

/** One as it is now. `MASTER_KEY_NOT_FOUND` when there never was one. */
export async function viewOf({ db, clock }: { db: Db; clock: Clock }, id: string): Promise<MasterKeyView> {
  const found = await findMasterKey(db, id);
  const [view] = found === undefined ? [] : await withUsage(db, [found], clock.now());
  if (view === undefined) throw new FlowplateError('MASTER_KEY_NOT_FOUND');
  return view;
}
