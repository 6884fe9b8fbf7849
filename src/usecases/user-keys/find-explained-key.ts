import { FlowplateError } from '../../domain/errors.ts';
import type { KeyRecord } from '../../domain/key-record.ts';
import { isVisibleTo, type VisibleScope } from '../../domain/principal.ts';
import { findKeyRecordById } from '../../stores/postgres/verify-records.ts';
import type { ReadParts } from './key-with-usage.ts';

/**
 * The record that a verification of this key would decide from, as Postgres has it now.
 * `KEY_NOT_FOUND` also when the caller may not see the key.
 */
export async function findExplainedKey(
  { db }: Pick<ReadParts, 'db'>,
  principal: VisibleScope,
  keyId: string,
): Promise<{ record: KeyRecord; organizationActive: boolean }> {
  const found = await findKeyRecordById(db, keyId);
  if (found === undefined || !isVisibleTo(principal, found.record.organizationId, found.record.environment)) {
    throw new FlowplateError('KEY_NOT_FOUND');
  }
  return found;
}
