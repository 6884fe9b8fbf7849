import { z } from 'zod';
import { numberRanges } from '../../domain/number-ranges.ts';
import { endTime, environmentSlug, externalId, intIn } from '../fields.ts';
import { changedSettings, mintSettings } from './key-settings.ts';

/** End of a new key: a time, or a duration. */
export const endFields = {
  expires_at: endTime.optional(),
  ttl_seconds: intIn(numberRanges.ttlSeconds).optional(),
};

type End = { expires_at?: Date | undefined; ttl_seconds?: number | undefined };

export function hasAtMostOneEnd(body: End): boolean {
  return body.expires_at === undefined || body.ttl_seconds === undefined;
}

export const twoEnds = { path: ['ttl_seconds'], message: 'cannot be set together with expires_at' };

/** Undefined when the body has no end. */
export function endOf(body: End, now: Date): Date | undefined {
  if (body.ttl_seconds === undefined) return body.expires_at;
  return new Date(now.getTime() + body.ttl_seconds * 1_000);
}

const mintFields = z.strictObject({
  user_id: externalId,
  organization_id: externalId,
  environment: environmentSlug.optional().describe("The deployment's own unless set"),
  ...mintSettings,
  ...endFields,
});

/** Of one of many mints. */
export const mintBody = mintFields.refine(hasAtMostOneEnd, twoEnds);

/** Of a single mint. */
export const mintOneBody = mintFields
  .extend({
    canary: z
      .boolean()
      .optional()
      .describe('Bait: never valid (`NOT_FOUND`), and each use is told. Needs `keys:canary` as well'),
  })
  .refine(hasAtMostOneEnd, twoEnds);

export const updateBody = changedSettings.refine(
  (body) => Object.keys(body).length > 0,
  'must change something',
);
