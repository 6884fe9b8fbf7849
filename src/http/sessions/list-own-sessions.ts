import { z } from 'zod';
import { secondFactorKinds } from '../../domain/second-factor.ts';
import { sessionMethods } from '../../domain/session.ts';
import { listOwnSessions } from '../../usecases/sessions/list-own-sessions.ts';
import { platformCaller } from '../access/platform-caller.ts';
import { cursorOf, nextPage, pageLimit, toCursor } from '../cursor.ts';
import { noBody, noParams, timestampText } from '../fields.ts';
import { defineRoute } from '../route.ts';

const path = '/api/v1/platform/auth/sessions';

export const listOwnSessionsRoute = defineRoute({
  method: 'get',
  path,
  operationId: 'listOwnSessions',
  summary: "List one's own sessions",
  description:
    'Those that have not ended, newest first; `current` marks the one of this token. Address and user agent are as they were at the login. A platform key has no sessions: an empty list. The next page is in `Link`.',
  access: platformCaller('nothing', 'own'),
  params: noParams,
  query: z.strictObject({ limit: pageLimit, cursor: cursorOf('session').optional() }),
  body: noBody,
  success: { 200: 'A page of sessions.' },
  answer: z.array(
    z.strictObject({
      id: z.string(),
      created_at: timestampText,
      expires_at: timestampText,
      method: z.enum(sessionMethods),
      second_factor: z.enum(secondFactorKinds).nullable(),
      address: z.string().nullable(),
      user_agent: z.string().nullable(),
      current: z.boolean(),
    }),
  ),
  errors: [],
  async handle(parts: Parameters<typeof listOwnSessions>[0], { query, caller: { principal } }) {
    const { limit, cursor } = query;
    const { items, next } = await listOwnSessions(parts, principal, { limit, before: cursor });
    return {
      status: 200,
      body: items.map((session) => ({
        id: session.id,
        created_at: session.createdAt.toISOString(),
        expires_at: session.expiresAt.toISOString(),
        method: session.method,
        second_factor: session.secondFactor,
        address: session.address,
        user_agent: session.userAgent,
        current: session.id === principal.sessionId,
      })),
      ...nextPage(path, { limit }, next && toCursor(next)),
    };
  },
});
