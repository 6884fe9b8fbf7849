import { describe, expect, test } from 'vitest';
import { FlowplateError } from '../../src/domain/errors.ts';
import {
  applyPolicy,
  brokenRules,
  type Governed,
  noPolicy,
  type OrganizationPolicy,
  refusedDefaults,
  requirePolicy,
  toPolicyVersion,
} from '../../src/domain/organization-policy.ts';

const now = new Date('2026-03-12T10:00:00Z');
const day = 86_400;
const inDays = (days: number) => new Date(now.getTime() + days * day * 1_000);

const key = (changed: Partial<Governed> = {}): Governed => ({
  expiresAt: null,
  scopes: [],
  rateLimit: null,
  quota: null,
  environment: 'prod',
  ...changed,
});

const rulesOf = (policy: OrganizationPolicy, settings: Partial<Governed> = {}) =>
  brokenRules(policy, key(settings), now).map(({ rule }) => rule);

test('without a policy, settings stay as they are, and everything is allowed', () => {
  const settings = key({ scopes: ['a'] });
  expect(applyPolicy(null, settings, now)).toBe(settings);
  requirePolicy(null, settings, now);
});

describe('the end of a key', () => {
  test.each<[OrganizationPolicy, Date | null, string[]]>([
    [{ ttl_seconds_max: 30 * day }, inDays(30), []],
    [{ ttl_seconds_max: 30 * day }, new Date(inDays(30).getTime() + 1), ['ttl_seconds_max']],
    [{ ttl_seconds_max: 30 * day }, null, ['ttl_seconds_max']],
    [{ expiry_required: true }, null, ['expiry_required']],
    [{ expiry_required: true }, inDays(4_000), []],
    [{ expiry_required: false }, null, []],
    [{ expiry_required: true, ttl_seconds_max: day }, null, ['ttl_seconds_max', 'expiry_required']],
  ])('%j judges %s', (policy, expiresAt, rules) => {
    expect(rulesOf(policy, { expiresAt })).toEqual(rules);
  });

  test('counts from the issue of the secret, not from now', () => {
    const policy = { ttl_seconds_max: 30 * day };
    expect(brokenRules(policy, key({ expiresAt: inDays(30) }), inDays(-1))).toMatchObject([
      { path: 'expires_at', allowed: 30 * day, asked: 31 * day },
    ]);
  });
});

describe('a rate limit', () => {
  const policy = { rate_limit_max: { limit: 100, window_seconds: 60 } };
  test.each([
    [100, 60, true],
    [101, 60, false],
    // A longer window may be spent within one of the policy's.
    [100, 3_600, true],
    [101, 3_600, false],
    // A shorter one comes many times.
    [1, 1, true],
    [2, 1, false],
    [50, 30, true],
    [51, 30, false],
  ])('of %d in %d s keeps 100 in 60 s: %s', (limit, seconds, isWithin) => {
    const broken = rulesOf(policy, { rateLimit: { limit, window_seconds: seconds } });
    expect(broken).toEqual(isWithin ? [] : ['rate_limit_max']);
  });

  test('that is absent breaks a maximum', () => {
    expect(brokenRules(policy, key(), now)).toEqual([
      {
        path: 'rate_limit',
        message: "must allow at most 100 in 60 seconds (rule `rate_limit_max` of the organization's policy)",
        rule: 'rate_limit_max',
        allowed: policy.rate_limit_max,
        asked: null,
      },
    ]);
  });

  test('and its maximum are compared exactly at the ends of their ranges', () => {
    const most = { limit: 1_000_000_000, window_seconds: 2_678_400 };
    expect(rulesOf({ rate_limit_max: most }, { rateLimit: most })).toEqual([]);
    const less = { limit: 999_999_999, window_seconds: 2_678_400 };
    expect(rulesOf({ rate_limit_max: less }, { rateLimit: most })).toEqual(['rate_limit_max']);
  });
});

test.each([
  [31, 'month', 31, 'month', true],
  [32, 'month', 31, 'month', false],
  [1, 'day', 31, 'month', true],
  [2, 'day', 61, 'month', false],
  [10, 'month', 10, 'day', true],
  [11, 'month', 10, 'day', false],
] as const)('a quota of %d in a %s keeps %d in a %s: %s', (limit, period, limitMax, periodMax, isWithin) => {
  const policy = { quota_max: { limit: limitMax, period: periodMax } };
  expect(rulesOf(policy, { quota: { limit, period } })).toEqual(isWithin ? [] : ['quota_max']);
  expect(rulesOf(policy)).toEqual(['quota_max']);
});

test('scopes and environments are lists of what is allowed', () => {
  const policy = { allowed_scopes: ['orders:read'], allowed_environments: ['stage'] };
  expect(rulesOf(policy, { environment: 'stage' })).toEqual([]);
  expect(rulesOf(policy, { scopes: ['orders:read', 'orders:*'] })).toEqual([
    'allowed_scopes',
    'allowed_environments',
  ]);
  expect(rulesOf({ allowed_scopes: [] }, { scopes: ['a'] })).toEqual(['allowed_scopes']);
});

test('a misplaced secret among the scopes is not repeated', () => {
  const scope = `fl_user_prod_${'a'.repeat(46)}`;
  const [broken] = brokenRules({ allowed_scopes: [] }, key({ scopes: [scope] }), now);
  expect(JSON.stringify(broken)).not.toContain('a'.repeat(20));
});

describe('defaults', () => {
  const policy: OrganizationPolicy = {
    ttl_seconds_max: 30 * day,
    ttl_seconds_default: day,
    rate_limit_default: { limit: 10, window_seconds: 1, on_unavailable: 'deny' },
    quota_default: { limit: 1_000, period: 'day' },
  };

  test('fill what a new secret lacks, and nothing else', () => {
    expect(applyPolicy(policy, key({ quota: { limit: 5, period: 'month' } }), now)).toEqual({
      ...key(),
      expiresAt: inDays(1),
      rateLimit: policy.rate_limit_default,
      quota: { limit: 5, period: 'month' },
    });
  });

  test('come before the rules, and do not spare a setting that breaks one', () => {
    const asked = key({ expiresAt: inDays(31) });
    expect(() => applyPolicy(policy, asked, now)).toThrow(FlowplateError);
    expect(() => applyPolicy(policy, key(), now)).not.toThrow();
  });

  test('are not given to a key that is only checked', () => {
    expect(() => requirePolicy(policy, key(), now)).toThrow(FlowplateError);
  });

  test.each<[OrganizationPolicy, string[]]>([
    [policy, []],
    [{ ttl_seconds_max: 1, ttl_seconds_default: 2 }, ['ttl_seconds_default']],
    [{ quota_max: { limit: 1, period: 'day' } }, []],
    [
      {
        quota_max: { limit: 1, period: 'day' },
        quota_default: { limit: 2, period: 'month' },
        rate_limit_max: { limit: 1, window_seconds: 1 },
        rate_limit_default: { limit: 2, window_seconds: 1 },
      },
      ['rate_limit_default', 'quota_default'],
    ],
  ])('of %j that the policy refuses: %j', (document, refused) => {
    expect(refusedDefaults(document)).toEqual(refused);
  });
});

test('the error is a 422 that names every broken rule, what is allowed and what was asked', () => {
  const policy = { expiry_required: true, allowed_environments: ['stage'] };
  const thrown = (() => {
    try {
      return applyPolicy(policy, key(), now);
    } catch (error) {
      return error;
    }
  })();
  expect(thrown).toMatchObject({
    code: 'VALIDATION_ERROR',
    details: [
      { path: 'expires_at', rule: 'expiry_required', allowed: true, asked: null },
      { path: 'environment', rule: 'allowed_environments', allowed: ['stage'], asked: 'prod' },
    ],
  });
});

test('the version changes with the document, and comes again with it', () => {
  const [one, two] = [{ expiry_required: true }, { ttl_seconds_max: 1 }];
  expect(toPolicyVersion(one).version).not.toBe(toPolicyVersion(two).version);
  expect(toPolicyVersion({ ...one })).toEqual(toPolicyVersion(one));
  expect(noPolicy.version).toBeNull();
});
