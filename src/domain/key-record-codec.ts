import type { KeyRecord } from './key-record.ts';

/** Spelling of each field for verifiers and for Postgres. */
const sentNames = {
  id: 'id',
  revision: 'revision',
  lineageId: 'lineage_id',
  userId: 'user_id',
  organizationId: 'organization_id',
  environment: 'environment',
  status: 'status',
  enabled: 'enabled',
  expiresAtMs: 'expires_at_ms',
  supersededUntilMs: 'superseded_until_ms',
  quarantinedUntilMs: 'quarantined_until_ms',
  supersededBy: 'superseded_by',
  supersededAtMs: 'superseded_at_ms',
  minter: 'minter',
  mintNumber: 'mint_number',
  createdAtMs: 'created_at_ms',
  scopes: 'scopes',
  metadata: 'metadata',
  rateLimit: 'rate_limit',
  quota: 'quota',
  ipAllowlist: 'ip_allowlist',
} as const satisfies Record<keyof KeyRecord, string>;

const names = Object.keys(sentNames) as (keyof KeyRecord)[];

/** A record as the broker sends it to embedded verifiers. */
export type SentKeyRecord = { [Name in keyof KeyRecord as (typeof sentNames)[Name]]: KeyRecord[Name] };

export const sentKeyRecordNames = Object.values(sentNames);

export function toSentKeyRecord(record: KeyRecord): SentKeyRecord {
  return Object.fromEntries(names.map((name) => [sentNames[name], record[name]])) as SentKeyRecord;
}

/** As one literal: the engine then keeps all fields in one object, which the hot path reads. */
export function fromSentKeyRecord(sent: SentKeyRecord): KeyRecord {
  return {
    id: sent.id,
    revision: sent.revision,
    lineageId: sent.lineage_id,
    userId: sent.user_id,
    organizationId: sent.organization_id,
    environment: sent.environment,
    status: sent.status,
    enabled: sent.enabled,
    expiresAtMs: sent.expires_at_ms,
    supersededUntilMs: sent.superseded_until_ms,
    // A broker of an earlier release does not send this, nor the next two.
    quarantinedUntilMs: sent.quarantined_until_ms ?? null,
    supersededBy: sent.superseded_by ?? null,
    supersededAtMs: sent.superseded_at_ms ?? null,
    // Nor these. The number of a key from before all numbers is covered by every stop.
    minter: sent.minter ?? null,
    mintNumber: sent.mint_number ?? 0,
    createdAtMs: sent.created_at_ms ?? 0,
    scopes: sent.scopes,
    metadata: sent.metadata,
    rateLimit: sent.rate_limit,
    quota: sent.quota,
    ipAllowlist: sent.ip_allowlist,
  };
}
