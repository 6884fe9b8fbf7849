import { z } from 'zod';
import { metadataBytesMax, metadataDepthMax, metadataFault } from '../../domain/metadata.ts';
import { numberRanges } from '../../domain/number-ranges.ts';
import { type Metadata, onUnavailable, quotaPeriods } from '../../domain/user-key.ts';
import {
  endTime,
  environmentSlug,
  externalId,
  intIn,
  ipAllowlist,
  name,
  scopes,
  timestampText,
} from '../fields.ts';

const metadata = z
  .custom<Metadata>((value) => metadataFault(value) === undefined, {
    error: (issue) => metadataFault(issue.input) ?? 'is not valid',
  })
  .meta({
    override: { type: 'object', additionalProperties: true },
    description: `Yours to fill: at most ${metadataBytesMax} bytes of JSON, ${metadataDepthMax} levels deep. A number that a double cannot hold is refused. No secrets: it is returned with every verification.`,
  });

const whenUnavailable = z
  .enum(onUnavailable)
  .optional()
  .describe(
    'While the counters cannot be reached: "local", each API process enforces its share of what was left (at least 1); "deny", the limit refuses; "allow", it does not limit. "local" unless set',
  );

const rateLimit = z
  .strictObject({
    limit: intIn(numberRanges.rateLimit),
    window_seconds: intIn(numberRanges.rateLimitWindowSeconds),
    on_unavailable: whenUnavailable,
  })
  .meta({ description: 'So much cost in each window; a window begins with the first call in it.' });

const quota = z
  .strictObject({
    limit: intIn(numberRanges.quota),
    period: z.enum(quotaPeriods),
    on_unavailable: whenUnavailable,
  })
  .meta({ description: 'So much cost in each calendar day or month, UTC.' });

/** When a new key ends: at a moment, or after so long. */
export const endFields = {
  expires_at: endTime.optional(),
  ttl_seconds: intIn(numberRanges.ttlSeconds).optional(),
};

type End = { expires_at?: Date | undefined; ttl_seconds?: number | undefined };

export function hasAtMostOneEnd(body: End): boolean {
  return body.expires_at === undefined || body.ttl_seconds === undefined;
}

export const twoEnds = { path: ['ttl_seconds'], message: 'cannot be set together with expires_at' };

/** Undefined when the body names no end. */
export function endOf(body: End, now: Date): Date | undefined {
  if (body.ttl_seconds === undefined) return body.expires_at;
  return new Date(now.getTime() + body.ttl_seconds * 1_000);
}

export const mintBody = z
  .strictObject({
    user_id: externalId,
    organization_id: externalId,
    environment: environmentSlug.optional().describe("The deployment's own unless set"),
    metadata: metadata.optional(),
    name: name.optional(),
    scopes: scopes.optional(),
    ...endFields,
    rate_limit: rateLimit.optional(),
    quota: quota.optional(),
    ip_allowlist: ipAllowlist.optional(),
  })
  .refine(hasAtMostOneEnd, twoEnds);

export const updateBody = z
  .strictObject({
    name: name.nullable().optional(),
    metadata: metadata.optional(),
    scopes: scopes.optional(),
    expires_at: endTime.nullable().optional(),
    rate_limit: rateLimit.nullable().optional(),
    quota: quota.nullable().optional(),
    ip_allowlist: ipAllowlist.nullable().optional(),
    enabled: z.boolean().optional(),
  })
  .refine((body) => Object.keys(body).length > 0, 'must change something');

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
