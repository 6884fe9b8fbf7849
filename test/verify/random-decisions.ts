import fc from 'fast-check';
import type { KeyStatus } from '../../src/domain/user-key.ts';
import type { Asked } from '../../src/verify/decide.ts';
import { keyRecord } from '../support/key-record.ts';

/** The moment of every decision. The ends of keys lie around it. */
export const nowMs = Date.parse('2030-03-01T00:00:00.000Z');

const soon = fc.constantFrom(nowMs - 1, nowMs, nowMs + 1, nowMs + 60_000);

/** Key records of every status, with few values, so that calls meet and miss them. */
export const randomRecords = fc
  .record({
    status: fc.constantFrom<KeyStatus>('active', 'active', 'superseded', 'revoked', 'quarantined', 'expired'),
    enabled: fc.boolean(),
    expiresAtMs: fc.option(soon),
    graceEndMs: soon,
    quarantineEndMs: soon,
    wasInGrace: fc.boolean(),
    environment: fc.constantFrom('prod', 'dev'),
    organizationId: fc.constantFrom('org_1', 'org_2'),
    scopes: fc.subarray(['read', 'write', 'admin']),
    ipAllowlist: fc.option(fc.subarray(['10.0.0.0/8', '192.0.2.7'])),
  })
  .map(({ status, graceEndMs, quarantineEndMs, wasInGrace, ...rest }) => {
    const isQuarantined = status === 'quarantined';
    const hasGrace = status === 'superseded' || (isQuarantined && wasInGrace);
    return keyRecord({
      ...rest,
      status: isQuarantined ? 'revoked' : status,
      supersededUntilMs: hasGrace ? graceEndMs : null,
      quarantinedUntilMs: isQuarantined ? quarantineEndMs : null,
    });
  });

export const randomCalls: fc.Arbitrary<Asked> = fc.record(
  {
    environment: fc.constantFrom('prod', 'dev'),
    organizationId: fc.constantFrom('org_1', 'org_2'),
    scopes: fc.subarray(['read', 'write', 'admin']),
    ip: fc.constantFrom('10.1.2.3', '192.0.2.7', '203.0.113.1', 'nonsense'),
  },
  { requiredKeys: [] },
);
