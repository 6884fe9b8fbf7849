import type { KeyRecord } from '../../src/domain/key-record.ts';
import { unsetSettings } from '../../src/domain/user-key.ts';

const { name: _name, expiresAt: _expiresAt, ...decidingSettings } = unsetSettings;

/** An active key without limits, with the given changes. */
export function keyRecord(changed: Partial<KeyRecord> = {}): KeyRecord {
  return {
    id: 'flk_0000000000000000000001',
    revision: 1,
    lineageId: 'flk_0000000000000000000001',
    userId: 'user_1',
    organizationId: 'org_1',
    environment: 'prod',
    status: 'active',
    expiresAtMs: null,
    supersededUntilMs: null,
    quarantinedUntilMs: null,
    supersededBy: null,
    supersededAtMs: null,
    minter: null,
    mintNumber: 1,
    createdAtMs: 0,
    ...decidingSettings,
    ...changed,
  };
}
