import { z } from 'zod';
import { metadataBytesMax, metadataDepthMax, metadataFault } from '../../domain/metadata.ts';
import { numberRanges } from '../../domain/number-ranges.ts';
import { type KeySettings, type Metadata, onUnavailable, quotaPeriods } from '../../domain/user-key.ts';
import { endTime, intIn, ipAllowlist, name, scopes, timestampText } from '../fields.ts';

const metadata = z
  .custom<Metadata>((value) => metadataFault(value) === undefined, {
    error: (issue) => metadataFault(issue.input) ?? 'is not valid',
  })
  .meta({
    override: { type: 'object', additionalProperties: true },
    description: `Your own data: at most ${metadataBytesMax} bytes of JSON, ${metadataDepthMax} levels deep. A number that a double cannot hold is refused. No secrets: it is returned with every verification.`,
  });

const whenUnavailable = z
  .enum(onUnavailable)
  .optional()
  .describe(
    'While the counters cannot be reached: "local", each API process enforces its share of what was left (at least 1); "deny", the limit refuses; "allow", it does not limit. "local" unless set',
  );

export const rateLimit = z
  .strictObject({
    limit: intIn(numberRanges.rateLimit),
    window_seconds: intIn(numberRanges.rateLimitWindowSeconds),
    on_unavailable: whenUnavailable,
  })
  .meta({ description: 'Maximum cost in each window. A window begins with its first call.' });

export const quota = z
  .strictObject({
    limit: intIn(numberRanges.quota),
    period: z.enum(quotaPeriods),
    on_unavailable: whenUnavailable,
  })
  .meta({ description: 'Maximum cost in each calendar day or month, UTC.' });

/** Settings that a mint may give a key, besides its end. */
export const mintSettings = {
  metadata: metadata.optional(),
  name: name.optional(),
  scopes: scopes.optional(),
  rate_limit: rateLimit.optional(),
  quota: quota.optional(),
  ip_allowlist: ipAllowlist.optional(),
};

/** What a PATCH may change; null takes a setting away. */
export const changedSettings = z.strictObject({
  name: name.nullable().optional(),
  metadata: metadata.optional(),
  scopes: scopes.optional(),
  expires_at: endTime.nullable().optional(),
  rate_limit: rateLimit.nullable().optional(),
  quota: quota.nullable().optional(),
  ip_allowlist: ipAllowlist.nullable().optional(),
  enabled: z.boolean().optional(),
});

/** The settings that a body names, in our own names. */
export function toSettings(body: z.output<typeof changedSettings>): Partial<KeySettings> {
  return {
    ...(body.name !== undefined && { name: body.name }),
    ...(body.metadata !== undefined && { metadata: body.metadata }),
    ...(body.scopes !== undefined && { scopes: body.scopes }),
    ...(body.expires_at !== undefined && { expiresAt: body.expires_at }),
    ...(body.rate_limit !== undefined && { rateLimit: body.rate_limit }),
    ...(body.quota !== undefined && { quota: body.quota }),
    ...(body.ip_allowlist !== undefined && { ipAllowlist: body.ip_allowlist }),
    ...(body.enabled !== undefined && { enabled: body.enabled }),
  };
}

/** How settings are shown, wherever they are. */
export const settingFields = {
  name: z.string().nullable(),
  metadata: z.record(z.string(), z.unknown()),
  scopes: z.array(z.string()),
  expires_at: timestampText.nullable(),
  rate_limit: rateLimit.nullable(),
  quota: quota.nullable(),
  ip_allowlist: z.array(z.string()).nullable(),
};

export function toSettingsAnswer(settings: KeySettings) {
  return {
    name: settings.name,
    metadata: settings.metadata,
    scopes: settings.scopes,
    expires_at: settings.expiresAt?.toISOString() ?? null,
    rate_limit: settings.rateLimit,
    quota: settings.quota,
    ip_allowlist: settings.ipAllowlist,
  };
}
