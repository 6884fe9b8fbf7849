import { expect, test } from 'vitest';
import { findingsOf, type HygieneFacts, hygieneFindings } from '../../src/domain/hygiene.ts';

const now = new Date('2030-06-15T12:00:00Z');
const inDays = (days: number) => new Date(now.getTime() + days * 86_400_000);

const question = {
  findings: hygieneFindings,
  unusedSince: inDays(-90),
  expiresBefore: inDays(30),
  createdBefore: inDays(-365),
  unaskedSince: inDays(-30),
  now,
};

const fresh: HygieneFacts = {
  lastUsedAt: now,
  rotationDueAt: null,
  isPredecessorUsed: false,
  unaskedScopes: null,
};

test.each([
  ['nothing', 1, 400, {}, []],
  ['never_used', 100, 400, { lastUsedAt: null }, ['never_used']],
  ['nothing of a young key that was never used', 1, 400, { lastUsedAt: null }, []],
  ['unused', 100, 400, { lastUsedAt: inDays(-91) }, ['unused']],
  ['expiring', 1, 29, {}, ['expiring']],
  ['without_expiry', 1, null, {}, ['without_expiry']],
  ['beyond_age', 366, 400, {}, ['beyond_age']],
  ['nothing more than 30 days before a rotation', 1, 400, { rotationDueAt: inDays(31) }, []],
  ['rotation_due', 1, 400, { rotationDueAt: inDays(29) }, ['rotation_due']],
  ['overaged, at the moment itself', 1, 400, { rotationDueAt: now }, ['overaged']],
  ['predecessor_used', 1, 400, { isPredecessorUsed: true }, ['predecessor_used']],
  ['scope_unasked', 100, 400, { unaskedScopes: ['read'] }, ['scope_unasked']],
  ['nothing when each scope is asked for', 100, 400, { unaskedScopes: [] }, []],
  ['all that is true', 400, null, { lastUsedAt: null }, ['never_used', 'without_expiry', 'beyond_age']],
])('%s', (_what, ageDays, endInDays, facts, findings) => {
  const key = { createdAt: inDays(-ageDays), expiresAt: endInDays === null ? null : inDays(endInDays) };
  expect(findingsOf(key, { ...fresh, ...facts }, question)).toEqual(findings);
});
