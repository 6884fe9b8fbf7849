import { expect, test } from 'vitest';
import { fromSentKeyRecord, toSentKeyRecord } from '../../src/domain/key-record-codec.ts';
import { keyRecord } from '../support/key-record.ts';

const record = keyRecord({ lineageId: 'flk_first', expiresAtMs: 1, ipAllowlist: [], scopes: ['read'] });

test('a record that was sent to a verifier is the same record there', () => {
  const sent = toSentKeyRecord(record);
  expect(Object.keys(sent)).toContain('superseded_until_ms');
  expect(fromSentKeyRecord(sent)).toEqual(record);
});
