import { createHash } from 'node:crypto';
import { type Violation, validationError } from './errors.ts';
import { redact } from './redact.ts';
import type { KeySettings, Quota, QuotaPeriod, RateLimit } from './user-key.ts';

type RateBound = Pick<RateLimit, 'limit' | 'window_seconds'>;
type QuotaBound = Pick<Quota, 'limit' | 'period'>;

/**
 * Policy of an organization: rules that its user keys keep, and defaults for settings that a new
 * secret lacks. It is the document of the API, stored as it is sent. A rule that is absent allows
 * everything.
 */
export type OrganizationPolicy = {
  /** Longest time from the issue of a secret to its end. A key without an end breaks it. */
  ttl_seconds_max?: number | undefined;
  ttl_seconds_default?: number | undefined;
  expiry_required?: boolean | undefined;
  /** Age at which a key is due for a refresh. No rule: it refuses nothing, and no key ends. */
  key_age_seconds_max?: number | undefined;
  /** A key without a rate limit breaks it. */
  rate_limit_max?: RateBound | undefined;
  rate_limit_default?: RateLimit | undefined;
  /** A key without a quota breaks it. */
  quota_max?: QuotaBound | undefined;
  quota_default?: Quota | undefined;
  allowed_scopes?: string[] | undefined;
  allowed_environments?: string[] | undefined;
};

/** `version` is a hash of the document; both are null for an organization without a policy. */
export type PolicyVersion = { policy: OrganizationPolicy | null; version: string | null };

export const noPolicy: PolicyVersion = { policy: null, version: null };

export function toPolicyVersion(policy: OrganizationPolicy): PolicyVersion {
  return { policy, version: createHash('sha256').update(JSON.stringify(policy)).digest('base64url') };
}

export const policyRules = [
  'ttl_seconds_max',
  'expiry_required',
  'rate_limit_max',
  'quota_max',
  'allowed_scopes',
  'allowed_environments',
] as const;

export type PolicyRule = (typeof policyRules)[number];

/** A rule and the value that breaks it. As a violation it names the field of the request. */
export type BrokenRule = Violation & { rule: PolicyRule; allowed: unknown; asked: unknown };

/** The settings that a policy looks at. */
export type Governed = Pick<KeySettings, 'expiresAt' | 'scopes' | 'rateLimit' | 'quota'> & {
  environment: string;
};

/**
 * Applies a policy: returns the settings of a secret that is issued at `now`, with the policy's
 * defaults where they have none. For mint, refresh and import. `VALIDATION_ERROR` when they break
 * the policy; its details are the `BrokenRule`s.
 */
export function applyPolicy<S extends Governed>(policy: OrganizationPolicy | null, wanted: S, now: Date): S {
  if (policy === null) return wanted;
  const settings = { ...wanted, ...missingDefaults(policy, wanted, now) };
  requirePolicy(policy, settings, now);
  return settings;
}

/**
 * Refuses settings that break the policy, without any default: for the patch of a key whose secret
 * was issued at `issuedAt`. `VALIDATION_ERROR` as of `applyPolicy`.
 */
export function requirePolicy(policy: OrganizationPolicy | null, settings: Governed, issuedAt: Date): void {
  const broken = policy === null ? [] : brokenRules(policy, settings, issuedAt);
  if (broken.length > 0) throw validationError(broken);
}

/** All rules that these settings break, in the order of `policyRules`. */
export function brokenRules(policy: OrganizationPolicy, settings: Governed, issuedAt: Date): BrokenRule[] {
  return policyRules.flatMap((rule) => {
    const broken = checks[rule](policy, settings, issuedAt);
    if (broken === undefined) return [];
    const { must, ...rest } = broken;
    return [{ ...rest, rule, message: `${must} (rule \`${rule}\` of the organization's policy)` }];
  });
}

/** Defaults that the policy itself refuses: each would make every mint without a setting fail. */
export function refusedDefaults(policy: OrganizationPolicy): (keyof OrganizationPolicy)[] {
  const now = new Date(0);
  const bare = { expiresAt: null, scopes: [], rateLimit: null, quota: null, environment: '' };
  const broken = brokenRules(policy, { ...bare, ...missingDefaults(policy, bare, now) }, now);
  const isRefused = (rule: PolicyRule) => broken.some((one) => one.rule === rule);
  return (
    [
      ['ttl_seconds_max', 'ttl_seconds_default'],
      ['rate_limit_max', 'rate_limit_default'],
      ['quota_max', 'quota_default'],
    ] as const
  ).flatMap(([rule, given]) => (policy[given] !== undefined && isRefused(rule) ? [given] : []));
}

function missingDefaults(policy: OrganizationPolicy, wanted: Governed, now: Date): Partial<Governed> {
  const { ttl_seconds_default: ttlSeconds, rate_limit_default: rateLimit, quota_default: quota } = policy;
  return {
    ...(wanted.expiresAt === null &&
      ttlSeconds !== undefined && { expiresAt: new Date(now.getTime() + ttlSeconds * 1_000) }),
    ...(wanted.rateLimit === null && rateLimit !== undefined && { rateLimit }),
    ...(wanted.quota === null && quota !== undefined && { quota }),
  };
}

type Broken = { path: string; must: string; allowed: unknown; asked: unknown };
type RuleCheck = (policy: OrganizationPolicy, settings: Governed, issuedAt: Date) => Broken | undefined;

const checks: Record<PolicyRule, RuleCheck> = {
  ttl_seconds_max({ ttl_seconds_max: allowed }, { expiresAt }, issuedAt) {
    if (allowed === undefined) return undefined;
    const asked = expiresAt === null ? null : (expiresAt.getTime() - issuedAt.getTime()) / 1_000;
    if (asked !== null && asked <= allowed) return undefined;
    const must = `must lie at most ${allowed} seconds after the key was issued`;
    return { path: 'expires_at', must, allowed, asked: asked === null ? null : Math.ceil(asked) };
  },
  expiry_required({ expiry_required: isRequired }, { expiresAt }) {
    if (isRequired !== true || expiresAt !== null) return undefined;
    return { path: 'expires_at', must: 'is required', allowed: true, asked: null };
  },
  rate_limit_max({ rate_limit_max: allowed }, { rateLimit: asked }) {
    if (allowed === undefined) return undefined;
    const { limit, window_seconds: seconds } = allowed;
    if (asked !== null && isWithin(asked.limit, asked.window_seconds, limit, seconds)) return undefined;
    return { path: 'rate_limit', must: `must allow at most ${limit} in ${seconds} seconds`, allowed, asked };
  },
  quota_max({ quota_max: allowed }, { quota: asked }) {
    if (allowed === undefined) return undefined;
    const { limit, period } = allowed;
    if (asked !== null && isWithin(asked.limit, daysOf[asked.period], limit, daysOf[period]))
      return undefined;
    return { path: 'quota', must: `must allow at most ${limit} in a ${period}`, allowed, asked };
  },
  allowed_scopes({ allowed_scopes: allowed }, { scopes }) {
    if (allowed === undefined) return undefined;
    const others = scopes.filter((scope) => !allowed.includes(scope));
    if (others.length === 0) return undefined;
    // A scope is a word of the caller's, and may be a misplaced secret.
    return { path: 'scopes', must: 'must be among the allowed scopes', allowed, asked: others.map(redact) };
  },
  allowed_environments({ allowed_environments: allowed }, { environment: asked }) {
    if (allowed === undefined || allowed.includes(asked)) return undefined;
    return { path: 'environment', must: `must be one of ${allowed.join(', ')}`, allowed, asked };
  },
};

/** The longest that either can be: a quota of a day may be spent 31 times in a month. */
const daysOf: Record<QuotaPeriod, number> = { day: 1, month: 31 };

/**
 * Whether `limit` in each `window` stays within `limitMax` in each `windowMax`. A longer window may
 * be spent at once, so its limit counts whole. The largest product is below 2^53.
 */
function isWithin(limit: number, window: number, limitMax: number, windowMax: number): boolean {
  return limit * windowMax <= limitMax * Math.min(window, windowMax);
}
