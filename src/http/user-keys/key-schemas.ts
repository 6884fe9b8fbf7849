import { z } from 'zod';
import { externalIdPattern, isReservedWord, keyIdPattern } from '../../domain/ids.ts';
import { ipRangeRule, isIpRange } from '../../domain/ip-allowlist.ts';
import { environmentSlugPattern } from '../../domain/key-format.ts';
import { metadataBytesMax, metadataDepthMax, metadataFault } from '../../domain/metadata.ts';
import { numberRanges } from '../../domain/number-ranges.ts';
import { scopePattern, scopesMax } from '../../domain/scope.ts';
import { type Metadata, onUnavailable, quotaPeriods } from '../../domain/user-key.ts';
import { intIn } from '../int-in.ts';
import { endTime } from '../time-fields.ts';

export const externalId = z
  .string()
  .regex(externalIdPattern, 'must be 1 to 128 of A-Z a-z 0-9 _ . : @ - and begin with a letter or digit')
  .refine((id) => !isReservedWord(id), 'is a reserved word');

export const keyId = z.string().regex(keyIdPattern, 'must be a key id (flk_…)');
export const environmentSlug = z.string().regex(environmentSlugPattern, 'must be 1 to 16 of a-z 0-9');

export const timestampText = z.iso.datetime();
export const scopes = z
  .array(z.string().regex(scopePattern, 'must be 1 to 128 of A-Z a-z 0-9 _ . : / * -'))
  .max(scopesMax)
  .transform((all) => [...new Set(all)]);

export const name = z
  .string()
  .min(1)
  .max(200)
  .refine((text) => !/\p{Cc}/u.test(text) && text.isWellFormed(), 'must not contain control characters');

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

export const ipAllowlist = z.array(z.string().refine(isIpRange, ipRangeRule)).min(1).max(64).meta({
  description: 'Addresses and CIDR ranges; verification must then bring an ip that lies in one of them.',
});

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

export const noParams = z.strictObject({});
export const noQuery = z.strictObject({});
export const noBody = z.strictObject({});
