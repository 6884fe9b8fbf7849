import { FlowplateError } from '../../domain/errors.ts';
import { isVisibleTo, type VisibleScope } from '../../domain/principal.ts';
import type { Key } from '../../domain/user-key.ts';
import type { Db } from '../../stores/postgres/database.ts';
import { findKey } from '../../stores/postgres/user-keys/user-keys.ts';

/** A user key by its id. `KEY_NOT_FOUND` also when the caller may not see it. */
export async function findVisibleKey(db: Db, principal: VisibleScope, keyId: string): Promise<Key> {
  const key = await findKey(db, keyId);
  if (key === undefined || !isVisibleTo(principal, key.organizationId, key.environment)) {
    throw new FlowplateError('KEY_NOT_FOUND');
  }
  return key;
}
