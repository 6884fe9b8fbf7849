import { z } from 'zod';
import { apiUserRoles } from '../../domain/api-user.ts';
import type { Propagation } from '../../domain/propagation.ts';
import { startOfPeriod } from '../../domain/usage.ts';
import type { ApiUserWithUsage } from '../../usecases/api-users/api-user-parts.ts';
import type { CreatedApiUser } from '../../usecases/api-users/new-api-user.ts';
import type { Replayed } from '../../usecases/idempotent.ts';
import { timestampText } from '../fields.ts';
import { email as anEmail, displayName } from '../platform-users/platform-user-schemas.ts';
import { propagationFields, toPropagation } from '../propagation.ts';

const email = anEmail.nullish().describe('Where to reach the user; two users may share one');

const role = z.enum(apiUserRoles);

/** Any id: a malformed one gets the same answer as an unknown one. */
export const apiUserParams = z.strictObject({ id: z.string().max(200) });

export const newAdminBody = z.strictObject({ name: displayName, email });

export const newApiUserBody = z.strictObject({
  ...newAdminBody.shape,
  role: role.optional().describe('`user` unless set'),
});

export const apiUserChangesBody = z
  .strictObject({
    name: displayName.optional(),
    email,
    role: role.optional(),
    is_active: z.boolean().optional(),
  })
  .refine((body) => Object.keys(body).length > 0, 'must change something');

export const apiUserAnswer = z
  .strictObject({
    user_id: z.string(),
    name: z.string(),
    email: z.string().nullable(),
    role,
    is_active: z.boolean(),
    created_at: timestampText,
    updated_at: timestampText,
    usage: z.strictObject({
      total_requests: z.int(),
      last_used_at: timestampText.optional().describe('Absent until the first request'),
      first_used_at: timestampText.optional().describe('Absent until the first request'),
      requests_today: z.int().describe('Since 00:00 UTC'),
      last_reset: timestampText.describe('00:00 UTC of today, or the creation if that was later'),
    }),
  })
  .meta({ id: 'ApiUser' });

const warning = 'Save this API key now. It cannot be retrieved again.';

export const secretFields = {
  api_key: z.string().describe('The secret. It is shown this once and stored nowhere.'),
  warning: z.string(),
};

/** Present only while some verifier has not applied the change. */
export const pendingFields = z.strictObject(propagationFields).partial().shape;

export const createdApiUserAnswer = z.strictObject({ user: apiUserAnswer, ...secretFields });

export const pendingMeans =
  'Done, but some verifier may still accept the old key (see `propagation_detail.effective_by`).';

export function toApiUserAnswer({ user, usage }: ApiUserWithUsage, now: Date): z.input<typeof apiUserAnswer> {
  const today = startOfPeriod('day', now);
  return {
    user_id: user.id,
    name: user.name,
    email: user.email,
    role: user.role,
    is_active: user.isActive,
    created_at: user.createdAt.toISOString(),
    updated_at: user.updatedAt.toISOString(),
    usage: {
      total_requests: usage?.accepted ?? 0,
      ...(usage?.lastUsedAt && { last_used_at: usage.lastUsedAt.toISOString() }),
      ...(usage?.firstUsedAt && { first_used_at: usage.firstUsedAt.toISOString() }),
      requests_today: usage?.acceptedToday ?? 0,
      last_reset: new Date(Math.max(user.createdAt.getTime(), today.getTime())).toISOString(),
    },
  };
}

export function toCreatedAnswer({ answer, isReplay }: Replayed<CreatedApiUser>) {
  const { id, name, email, role, createdAt, secret } = answer;
  const created = new Date(createdAt);
  const user = { id, name, email, role, isActive: true, createdAt: created, updatedAt: created };
  return {
    status: 201,
    body: { user: toApiUserAnswer({ user, usage: undefined }, created), ...toSecret(secret) },
    ...replayed(isReplay),
  };
}

export function toSecret(secret: string) {
  return { api_key: secret, warning };
}

export function replayed(isReplay: boolean) {
  return isReplay ? { headers: { 'Idempotency-Replayed': 'true' } } : {};
}

/** Adds propagation fields to an answer, only when the change is still pending. */
export function settled<Body extends object>(propagation: Propagation, body: Body) {
  return propagation.isComplete
    ? { status: 200, body }
    : { status: 202, body: { ...body, ...toPropagation(propagation) } };
}
