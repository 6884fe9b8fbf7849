import { z } from 'zod';
import { idPattern } from '../../domain/ids.ts';
import { endOtherSessions, endOwnSession } from '../../usecases/sessions/end-own-sessions.ts';
import { platformCaller } from '../access/platform-caller.ts';
import { noBody, noParams, noQuery } from '../fields.ts';
import { defineRoute } from '../route.ts';

type Parts = Parameters<typeof endOwnSession>[0];

export const endOwnSessionRoute = defineRoute({
  method: 'delete',
  path: '/api/v1/platform/auth/sessions/:id',
  operationId: 'endOwnSession',
  summary: "End one of one's own sessions",
  description:
    "Its token is refused from the next request on. Another user's session and an ended one are 404 alike; so is every session for a platform key, which has none.",
  access: platformCaller('nothing', 'own'),
  params: z.strictObject({
    id: z.string().regex(idPattern('session'), 'must be a session id (sess_…)'),
  }),
  query: noQuery,
  body: noBody,
  success: { 200: 'Ended.' },
  answer: z.strictObject({ success: z.literal(true) }),
  errors: ['SESSION_NOT_FOUND'],
  async handle(parts: Parts, { params, caller }) {
    await endOwnSession(parts, caller, params.id);
    return { status: 200, body: { success: true as const } };
  },
});

export const endOtherSessionsRoute = defineRoute({
  method: 'delete',
  path: '/api/v1/platform/auth/sessions',
  operationId: 'endOtherSessions',
  summary: "End all of one's own sessions but this one",
  description: 'Their tokens are refused from the next request on. A platform key has no session: 404.',
  access: platformCaller('nothing', 'own'),
  params: noParams,
  query: noQuery,
  body: noBody,
  success: { 200: 'Ended.' },
  answer: z.strictObject({ success: z.literal(true), ended_count: z.int() }),
  errors: ['SESSION_NOT_FOUND'],
  async handle(parts: Parts, { caller }) {
    const ended = await endOtherSessions(parts, caller);
    return { status: 200, body: { success: true as const, ended_count: ended } };
  },
});
