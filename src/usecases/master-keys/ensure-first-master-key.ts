import { type Origin, systemOrigin } from '../../domain/audit-event.ts';
import { revokesNothing } from '../../domain/key-change.ts';
import { masterKeyPermissions } from '../../domain/permission.ts';
import { listMasterKeys, lockMasterKeys } from '../../stores/postgres/master-keys/master-keys.ts';
import { change } from '../change.ts';
import {
  type CreatedMasterKey,
  issueMasterKey,
  type MasterKeyParts,
  storeMasterKey,
  tellsOfMasterKey,
  toCreated,
} from './issue-master-key.ts';

const first = {
  name: 'first',
  permissions: [...masterKeyPermissions],
  organizationIds: null,
  environments: null,
  ipAllowlist: null,
  expiresAt: null,
};

/**
 * Creates the first master key of a deployment, with every permission, unless there ever was one. A
 * deployment that revoked all its keys stays without. Of several processes that start at once, one
 * creates it; the others return undefined.
 */
export async function ensureFirstMasterKey(
  parts: MasterKeyParts,
  chosenSecret?: string,
  by: Origin = systemOrigin,
): Promise<CreatedMasterKey | undefined> {
  if ((await listMasterKeys(parts.db)).length > 0) return undefined;
  const issued = await issueMasterKey(parts, first, chosenSecret);
  const { answer } = await change<{ created?: CreatedMasterKey }>(parts, { by }, async (tx) => {
    await lockMasterKeys(tx);
    const isFirst = (await listMasterKeys(tx)).length === 0;
    return {
      answer: isFirst ? { created: toCreated(issued) } : {},
      events: isFirst ? [await storeMasterKey(tx, issued)] : [],
      revokes: isFirst ? tellsOfMasterKey(issued) : revokesNothing,
    };
  });
  return answer.created;
}
