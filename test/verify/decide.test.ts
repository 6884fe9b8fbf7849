import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { KeyRecord } from '../../src/domain/key-record.ts';
import { type Asked, decide } from '../../src/verify/decide.ts';
import { keyRecord } from '../support/key-record.ts';
import { nowMs, randomCalls, randomRecords } from './random-decisions.ts';

const active = { nowMs, organizationActive: true };

/**
 * Everything is wrong with this key and this call at once; each line of the table mends one more
 * thing.
 */
const worstRecord = keyRecord({
  status: 'revoked',
  enabled: false,
  expiresAtMs: nowMs - 1,
  environment: 'dev',
  organizationId: 'org_other',
  ipAllowlist: ['10.0.0.0/8'],
});
const worstCall: Asked = { environment: 'prod', organizationId: 'org_1', ip: '192.0.2.1', scopes: ['read'] };

describe('the first reason wins, in the order of the contract', () => {
  const mends: Array<[string, Partial<KeyRecord>, Partial<Asked>?, boolean?]> = [
    ['REVOKED', {}],
    ['DISABLED', { quarantinedUntilMs: nowMs + 1 }],
    ['QUARANTINED', { enabled: true }],
    ['EXPIRED', { status: 'active', quarantinedUntilMs: null }],
    ['ORGANIZATION_SUSPENDED', { expiresAtMs: null }],
    ['ENVIRONMENT_MISMATCH', {}, {}, true],
    ['ORGANIZATION_MISMATCH', { environment: 'prod' }],
    ['IP_NOT_ALLOWED', { organizationId: 'org_1' }],
    ['INSUFFICIENT_SCOPE', {}, { ip: '10.0.0.1' }],
    ['VALID', { scopes: ['read'] }],
  ];

  test.each(mends.map(([code], index) => [code, index] as const))(
    '%s, once all before it is mended',
    (code, last) => {
      let [record, asked, organizationActive] = [worstRecord, worstCall, false];
      for (const [, mendRecord, mendCall, isActive] of mends.slice(0, last + 1)) {
        record = { ...record, ...mendRecord };
        asked = { ...asked, ...mendCall };
        organizationActive ||= isActive ?? false;
      }
      expect(decide(record, asked, { nowMs, organizationActive })).toBe(code);
    },
  );
});

describe('the instant in which something ends is already over', () => {
  test.each([
    ['a quarantine', { status: 'revoked', quarantinedUntilMs: nowMs }, 'QUARANTINED', 'REVOKED'],
    ['an expiry', { expiresAtMs: nowMs }, 'VALID', 'EXPIRED'],
    ['a grace', { status: 'superseded', supersededUntilMs: nowMs }, 'SUPERSEDED', 'REVOKED'],
    [
      'an expiry inside a grace',
      { status: 'superseded', supersededUntilMs: nowMs + 5_000, expiresAtMs: nowMs },
      'SUPERSEDED',
      'EXPIRED',
    ],
  ] as const)('%s', (_what, changed, before, from) => {
    const record = keyRecord(changed);
    expect(decide(record, {}, { ...active, nowMs: nowMs - 1 })).toBe(before);
    expect(decide(record, {}, active)).toBe(from);
    expect(decide(record, {}, { ...active, nowMs: nowMs + 1 })).toBe(from);
  });
});

describe('what is not asked is not looked at', () => {
  test('a call that names nothing accepts a key of any environment, organization and scope', () => {
    expect(decide(keyRecord(), {}, active)).toBe('VALID');
  });

  test('an address list is looked at although no address came: without one the answer is no', () => {
    expect(decide(keyRecord({ ipAllowlist: ['0.0.0.0/0'] }), {}, active)).toBe('IP_NOT_ALLOWED');
    expect(decide(keyRecord({ ipAllowlist: [] }), { ip: '10.0.0.1' }, active)).toBe('IP_NOT_ALLOWED');
  });

  test('all scopes that are asked must be held, word for word', () => {
    const record = keyRecord({ scopes: ['read', 'items:*'] });
    expect(decide(record, { scopes: [] }, active)).toBe('VALID');
    expect(decide(record, { scopes: ['read', 'items:*'] }, active)).toBe('VALID');
    expect(decide(record, { scopes: ['read', 'write'] }, active)).toBe('INSUFFICIENT_SCOPE');
    expect(decide(record, { scopes: ['items:7'] }, active)).toBe('INSUFFICIENT_SCOPE');
    expect(decide(record, { scopes: ['READ'] }, active)).toBe('INSUFFICIENT_SCOPE');
  });
});

test('it decides like a model that gathers every reason and takes the first of the contract', () => {
  fc.assert(
    fc.property(randomRecords, randomCalls, fc.boolean(), (record, asked, organizationActive) => {
      const reasons = everyReason(record, asked, organizationActive);
      const first = contractOrder.find((code) => reasons.has(code));
      expect(decide(record, asked, { nowMs, organizationActive })).toBe(first);
    }),
    { numRuns: 5_000 },
  );
});

const contractOrder = [
  'REVOKED',
  'DISABLED',
  'QUARANTINED',
  'EXPIRED',
  'ORGANIZATION_SUSPENDED',
  'ENVIRONMENT_MISMATCH',
  'ORGANIZATION_MISMATCH',
  'IP_NOT_ALLOWED',
  'INSUFFICIENT_SCOPE',
  'SUPERSEDED',
  'VALID',
];

function everyReason(record: KeyRecord, asked: Asked, organizationActive: boolean): Set<string> {
  const reasons = new Set(['VALID']);
  const alive = (endMs: number | null) => endMs === null || nowMs < endMs;
  if (record.status === 'superseded') reasons.add(alive(record.supersededUntilMs) ? 'SUPERSEDED' : 'REVOKED');
  if (record.quarantinedUntilMs !== null) {
    const isInside = alive(record.quarantinedUntilMs) && alive(record.supersededUntilMs);
    reasons.add(isInside ? 'QUARANTINED' : 'REVOKED');
  } else if (record.status === 'revoked') reasons.add('REVOKED');
  if (record.status === 'expired' || !alive(record.expiresAtMs)) reasons.add('EXPIRED');
  if (!record.enabled) reasons.add('DISABLED');
  if (!organizationActive) reasons.add('ORGANIZATION_SUSPENDED');
  if (![undefined, record.environment].includes(asked.environment)) reasons.add('ENVIRONMENT_MISMATCH');
  if (![undefined, record.organizationId].includes(asked.organizationId))
    reasons.add('ORGANIZATION_MISMATCH');
  const missing = [...(asked.scopes ?? [])].filter((scope) => record.scopes.indexOf(scope) === -1);
  if (missing.length > 0) reasons.add('INSUFFICIENT_SCOPE');
  const startOf = (range: string) => (range.endsWith('/8') ? `${range.split('.')[0]}.` : range);
  const isIn = (record.ipAllowlist ?? ['']).some((range) => (asked.ip ?? '?').startsWith(startOf(range)));
  if (record.ipAllowlist !== null && !isIn) reasons.add('IP_NOT_ALLOWED');
  return reasons;
}
