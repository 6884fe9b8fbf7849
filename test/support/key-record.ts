import type { KeyRecord } from '../../src/domain/key-record.ts';

/** An active key without limits of any kind, but for what the test is about. */
export function keyRecord(changed: Partial<KeyRecord> = {}): KeyRecord {
  return {
    id: 'flk_0000000000000000000001',
    revision: 1,
    lineageId: 'flk_0000000000000000000001',
    userId: 'user_1',
    organizationId: 'org_1',
    environment: 'prod',
    status: 'active',
    enabled: true,
    expiresAtMs: null,
    supersededUntilMs: null,
    scopes: [],
    metadata: {},
    rateLimit: null,
    quota: null,
    ipAllowlist: null,
    ...changed,
  };
}
