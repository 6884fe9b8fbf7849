import { FlowplateError } from '../../domain/errors.ts';
import { type Page, toPage } from '../../domain/page.ts';
import type { Db } from '../../stores/postgres/database.ts';
import { findMasterKey } from '../../stores/postgres/master-keys/master-keys.ts';
import {
  listMintedOrganizations as findOrganizations,
  type MintedOrganization,
} from '../../stores/postgres/user-keys/minted-key-counts.ts';

/**
 * A page of the organizations for which a master key has minted, with the counts of its keys there,
 * by their ids. `MASTER_KEY_NOT_FOUND`.
 */
export async function listMintedOrganizations(
  { db }: { db: Db },
  masterKeyId: string,
  { limit, after }: { limit: number; after: string | undefined },
): Promise<Page<MintedOrganization>> {
  if ((await findMasterKey(db, masterKeyId)) === undefined) throw new FlowplateError('MASTER_KEY_NOT_FOUND');
  const found = await findOrganizations(db, masterKeyId, { limit: limit + 1, after });
  return toPage(found, limit, ({ organizationId }) => organizationId);
}
