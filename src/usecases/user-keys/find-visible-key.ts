import { FlowplateError } from '../../domain/errors.ts';
import { isVisibleTo, type VisibleScope } from '../../domain/principal.ts';
import type { Key } from '../../domain/user-key.ts';
import { keyOfWaiting } from '../../domain/waiting-key.ts';
import type { Db } from '../../stores/postgres/database.ts';
import { findKey } from '../../stores/postgres/user-keys/user-keys.ts';
import { findWaitingKey } from '../../stores/postgres/user-keys/waiting-keys.ts';

/**
 * A user key by its id, also one that waits for its first use. `KEY_NOT_FOUND` also when the caller
 * may not see it.
 */
export async function findVisibleKey(db: Db, principal: VisibleScope, keyId: string): Promise<Key> {
  const key = (await findKey(db, keyId)) ?? (await findKeyThatWaits(db, keyId));
  if (key === undefined || !isVisibleTo(principal, key.organizationId, key.environment)) {
    throw new FlowplateError('KEY_NOT_FOUND');
  }
  return key;
}

async function findKeyThatWaits(db: Db, keyId: string): Promise<Key | undefined> {
  const waiting = await findWaitingKey(db, keyId);
  const before = waiting && (await findKey(db, waiting.previousKeyId));
  return before && keyOfWaiting(before, waiting);
}
