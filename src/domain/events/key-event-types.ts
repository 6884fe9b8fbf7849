import { z } from 'zod';
import { bulkActions } from '../bulk-order.ts';
import { canaryEndpoints } from '../canary-key.ts';
import { importAlgorithms } from '../imported-hash.ts';
import { stopKinds } from '../key-stop.ts';
import { mintPeriods } from '../mint-bounds.ts';
import { masterKeyPermissions } from '../permission.ts';
import { releaseReasons } from '../release-reason.ts';
import { quotaPeriods } from '../user-key.ts';
import { eventType } from './event-type.ts';
import { fields } from './fields.ts';

const action = z.enum(bulkActions);
/** User keys do not say their kind. */
const otherKinds = z.enum(['tenant', 'platform', 'api_user']);
const key = { user_id: fields.id, environment: fields.slug, key_prefix: fields.keyPrefix };
const aKey = { user_id: 'u_1042', environment: 'prod', key_prefix: 'fl_user_prod_9fJ2kQ7a' };
const mintQuota = z.object({ limit: fields.count, period: z.enum(mintPeriods) });
const bounds = {
  mint_quota: mintQuota.nullable(),
  living_keys_max: fields.count.nullable(),
  key_age_seconds_max: fields.count.nullable(),
};
const someBounds = {
  mint_quota: { limit: 1_000, period: 'day' },
  living_keys_max: 50_000,
  key_age_seconds_max: 7_776_000,
} as const;

/** User keys, and the master keys that mint them. */
export const keyEventTypes = {
  'key.minted': eventType('A user key was minted.', 'key', key, aKey),
  'key.imported': eventType(
    'A user key of another product was imported by its hash.',
    'key',
    { ...key, algorithm: z.enum(importAlgorithms) },
    { user_id: 'u_1042', environment: 'prod', algorithm: 'sha256' },
  ),
  'key.refreshed': eventType(
    'A user key was replaced by a new one.',
    'key',
    {
      ...key,
      previous_key_id: fields.id,
      grace_period_seconds: fields.count,
      expires_at: fields.time,
      activate: z.literal('on_first_use'),
      replaced_key_id: fields.id,
    },
    { ...aKey, previous_key_id: 'flk_0P2bQe7sT1yV3xW5zA7cE9', grace_period_seconds: 3_600 },
  ),
  'key.activated': eventType(
    'A user key that waited for its first use was accepted, and the grace of its predecessor began.',
    'key',
    { ...key, previous_key_id: fields.id, grace_period_seconds: fields.count, master_key_id: fields.id },
    { ...aKey, previous_key_id: 'flk_0P2bQe7sT1yV3xW5zA7cE9', grace_period_seconds: 3_600 },
  ),
  'key.revoked': eventType(
    'A user key was revoked, alone or by an order.',
    'key',
    { ...key, reason: fields.reason, order_id: fields.id, stop_id: fields.id, by: fields.by },
    { ...aKey, reason: 'key_compromise' },
  ),
  'key.updated': eventType(
    'The settings of a user key were changed. `changed` names them.',
    'key',
    { ...key, changed: fields.names, enabled: fields.flag, reason: fields.reason, order_id: fields.id },
    { ...aKey, changed: ['scopes', 'expires_at'] },
  ),
  'key.expiring': eventType(
    'A key of any kind that is in use ends in 30, 7 or 1 day. After a pause of the worker, `expires_at` can be nearer than `days_left` says.',
    'key',
    { ...key, kind: otherKinds, days_left: fields.daysLeft, expires_at: fields.time },
    { ...aKey, days_left: 7, expires_at: '2026-12-08T09:30:00.000Z' },
  ),
  'key.rotation_due': eventType(
    'A user key that is in use reaches the longest age of its organization or its master key in 30, 7 or 1 day. It does not end by that. After a pause of the worker, `rotation_due_at` can be nearer than `days_left` says.',
    'key',
    { ...key, days_left: fields.daysLeft, rotation_due_at: fields.time },
    { ...aKey, days_left: 7, rotation_due_at: '2026-12-08T09:30:00.000Z' },
  ),
  'key.stale': eventType(
    'A user key was accepted not once for `days` days. Without `last_used_at` it was never accepted.',
    'key',
    { ...key, days: fields.count, last_used_at: fields.time },
    { ...aKey, days: 90, last_used_at: '2026-09-02T09:30:00.000Z' },
  ),
  'key.quota.reached': eventType(
    'A key has used 80 or 100 % of its quota, by the counted calls.',
    'key',
    {
      ...key,
      kind: otherKinds,
      percent: fields.percent,
      limit: fields.count,
      period: z.enum(quotaPeriods),
      spent: fields.count,
      resets_at: fields.time,
    },
    {
      ...aKey,
      percent: 80,
      limit: 100_000,
      period: 'month',
      spent: 80_412,
      resets_at: '2027-01-01T00:00:00.000Z',
    },
  ),
  'key.expired': eventType('A user key has reached its end.', 'key', key, aKey),
  'key.leaked': eventType(
    'A key of any kind was reported as leaked. `action` says what was done to it.',
    'key',
    {
      ...key,
      kind: z.enum(['tenant', 'platform', 'api_user', 'master']),
      api_user_id: fields.id,
      reporter: fields.word,
      source: fields.word.nullable(),
      action: z.enum(['quarantined', 'revoked', 'none']),
    },
    { ...aKey, reporter: 'github', source: 'content', action: 'quarantined' },
  ),
  'key.quarantined': eventType(
    'A user key that was reported as leaked is refused, until it is released or its hour is over.',
    'key',
    { ...key, quarantined_until: fields.time },
    { ...aKey, quarantined_until: '2026-11-28T13:00:00.000Z' },
  ),
  'key.released': eventType(
    'A quarantined user key was released: a false alarm.',
    'key',
    { ...key, reason: z.enum(releaseReasons) },
    { ...aKey, reason: 'false_positive' },
  ),
  'key.canary.used': eventType(
    'A canary key was presented. At most one event a minute, with the number of uses since the last one and where the last use came from.',
    'key',
    {
      ...key,
      count: fields.count,
      endpoint: z.enum(canaryEndpoints),
      ip: fields.ip.nullable(),
      master_key_id: fields.id.nullable(),
      request_id: fields.id,
    },
    {
      ...aKey,
      count: 3,
      endpoint: 'authz',
      ip: '203.0.113.7',
      master_key_id: 'flm_gwA1b2C3d4E5f6G7',
      request_id: 'req_a1b2c3d4e5f6g7h8',
    },
  ),
  'keys.stopped': eventType(
    'All keys of a user, of an organization, or of a master key were revoked at once.',
    'stop',
    {
      kind: z.enum(stopKinds),
      subject: fields.id,
      created_before: fields.time.nullable(),
      reason: fields.reason,
    },
    { kind: 'user', subject: 'u_1042', created_before: null, reason: 'owner_left' },
  ),
  'keys.pruned': eventType(
    'User keys that had ended long ago were deleted.',
    'nothing: the event is about many keys',
    { count: fields.count, status: z.enum(['revoked', 'expired']), ended_before: fields.time },
    { count: 120, status: 'revoked', ended_before: '2026-03-01T00:00:00.000Z' },
  ),
  'keys.bulk_ordered': eventType(
    'A job that changes many user keys was ordered.',
    'job',
    { action, count: fields.count, reason: fields.reason },
    { action: 'disable', count: 5_210, reason: 'policy' },
  ),
  'keys.bulk_ended': eventType(
    'A job that changes many user keys has ended.',
    'job',
    { action, status: z.enum(['completed', 'failed']), affected: fields.count },
    { action: 'disable', status: 'completed', affected: 5_198 },
  ),
  'keys.bulk_cancelled': eventType(
    'A job that changes many user keys was cancelled.',
    'job',
    { action, affected: fields.count },
    { action: 'disable', affected: 1_500 },
  ),
  'import_secret.created': eventType('A secret for imported HMACs was kept.', 'import secret', {}, {}),
  'import_secret.deleted': eventType('A secret for imported HMACs was deleted.', 'import secret', {}, {}),
  'master_key.created': eventType(
    'A master key was created.',
    'master key',
    { permissions: z.array(z.enum(masterKeyPermissions)), ...bounds },
    { permissions: ['keys:mint', 'keys:revoke'], ...someBounds },
  ),
  'master_key.updated': eventType(
    'The bounds of a master key were changed.',
    'master key',
    bounds,
    someBounds,
  ),
  'master_key.mint_quota.reached': eventType(
    'A master key has used 80 or 100 % of its mint quota, or of its living keys.',
    'master key',
    {
      bound: z.enum(['mint_quota', 'living_keys_max']),
      percent: fields.percent,
      limit: fields.count,
      period: z.enum(mintPeriods),
      minted: fields.count,
      living: fields.count,
    },
    { bound: 'mint_quota', percent: 80, limit: 1_000, period: 'day', minted: 800 },
  ),
  'master_key.expiring': eventType(
    'A master key ends in 30, 7 or 1 day. After a pause of the worker, `expires_at` can be nearer than `days_left` says.',
    'master key',
    { days_left: fields.daysLeft, expires_at: fields.time },
    { days_left: 7, expires_at: '2026-12-08T09:30:00.000Z' },
  ),
  'master_key.unused': eventType(
    'A master key was not used for `days` days. Without `last_used_at` it was never used.',
    'master key',
    { days: fields.count, last_used_at: fields.time },
    { days: 90, last_used_at: '2026-09-02T09:30:00.000Z' },
  ),
  'master_key.rotated': eventType(
    'A master key was replaced by a new one.',
    'master key',
    { successor_id: fields.id, overlap_seconds: fields.count },
    { successor_id: 'flm_0P2bQe7sT1yV3xW5zA7cE9', overlap_seconds: 86_400 },
  ),
  'master_key.revoked': eventType(
    'A master key was revoked.',
    'master key',
    { reason: fields.reason, by: fields.by },
    { reason: 'superseded' },
  ),
};
