import { expect, test } from 'vitest';
import {
  fromKeyRecordValues,
  fromSentKeyRecord,
  toKeyRecordValues,
  toSentKeyRecord,
} from '../../src/domain/key-record-codec.ts';
import { keyRecord } from '../support/key-record.ts';

const record = keyRecord({ lineageId: 'flk_first', expiresAtMs: 1, ipAllowlist: [], scopes: ['read'] });

test('a record that was sent to a verifier is the same record there', () => {
  const sent = toSentKeyRecord(record);
  expect(Object.keys(sent)).toContain('superseded_until_ms');
  expect(fromSentKeyRecord(sent)).toEqual(record);
});

test('a list of values is the same record, and one of another length is none', () => {
  const values = toKeyRecordValues(record);
  expect(fromKeyRecordValues(values)).toEqual(record);
  expect(fromKeyRecordValues([...values, null])).toBeUndefined();
  expect(fromKeyRecordValues(values.slice(1))).toBeUndefined();
});
