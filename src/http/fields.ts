import { z } from 'zod';
import { externalIdPattern, isReservedWord, keyIdPattern } from '../domain/ids.ts';
import { ipRangeRule, isIpRange } from '../domain/ip-allowlist.ts';
import { environmentSlugPattern } from '../domain/key-format.ts';
import { isPlainName, plainNameRule } from '../domain/plain-name.ts';
import { type DayMeans, readTime } from '../domain/read-time.ts';
import { isSafeRequestId } from '../domain/request-id.ts';
import { scopePattern, scopesMax } from '../domain/scope.ts';

export const noParams = z.strictObject({});
export const noQuery = z.strictObject({});
export const noBody = z.strictObject({});

/** Id of a user or an organization, chosen by a backend. */
export const externalId = z
  .string()
  .regex(externalIdPattern, 'must be 1 to 128 of A-Z a-z 0-9 _ . : @ - and begin with a letter or digit')
  .refine((id) => !isReservedWord(id), 'is a reserved word');

export const keyId = z.string().regex(keyIdPattern, 'must be a key id (flk_…)');

/** An `x-request-id` that we would take from a caller, or the id of a trace. */
export const requestId = z
  .string()
  .refine(isSafeRequestId, 'must be 1 to 128 of A-Z a-z 0-9 _ . : - and no secret');

export const environmentSlug = z.string().regex(environmentSlugPattern, 'must be 1 to 16 of a-z 0-9');

export const name = z.string().min(1).max(200).refine(isPlainName, plainNameRule);

export const scope = z.string().regex(scopePattern, 'must be 1 to 128 of A-Z a-z 0-9 _ . : / * -');

export const scopes = z
  .array(scope)
  .max(scopesMax)
  .transform((all) => [...new Set(all)]);

/** The scopes that an organization may use: more than one key has. */
export const policyScopes = z.array(scope).max(4 * scopesMax);

export const ipAllowlist = z.array(z.string().refine(isIpRange, ipRangeRule)).min(1).max(64).meta({
  description: 'Addresses and CIDR ranges. A verification must then send an `ip` inside one of them.',
});

/** A time in an answer: RFC 3339 in UTC. */
export const timestampText = z.iso.datetime();

/** Integer within a range, bounds included. */
export function intIn({ min, max }: { min: number; max: number }) {
  return z.int().min(min).max(max);
}

/** Start of a range, or a time in a filter. A bare day means its start. */
export const startTime = timeField('start', 'its beginning');

/** The same in a filter, with what it means there. */
export const timeOf = (meaning: string) =>
  startTime.optional().describe(`${meaning} ${startTime.description}`);

/** Exclusive end of a range. A bare day means its end, so that the day is included. */
export const endTime = timeField('end', 'its end');

/** A whole day in UTC, as its first instant. */
export const wholeDay = z
  .string()
  .regex(/^\d{4}-\d\d-\d\d$/, 'must be a day such as 2026-03-12')
  .transform(readAs('start'))
  .meta({ override: { type: 'string', format: 'date' } });

function timeField(dayMeans: DayMeans, meant: string) {
  return z
    .string()
    .transform(readAs(dayMeans))
    .meta({
      override: { type: 'string' },
      description: `A time (RFC 3339 with its zone), or a day \`YYYY-MM-DD\`: then ${meant} in UTC.`,
    });
}

function readAs(dayMeans: DayMeans) {
  return (text: string, context: z.RefinementCtx): Date => {
    const { time, fault } = readTime(text, dayMeans);
    if (time !== undefined) return time;
    context.addIssue({ code: 'custom', message: fault });
    return z.NEVER;
  };
}
