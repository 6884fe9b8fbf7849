import { z } from 'zod';
import { logOut } from '../../usecases/sessions/log-out.ts';
import { platformCaller } from '../access/platform-caller.ts';
import { endedSessionCookie } from '../access/session-cookie.ts';
import { noBody, noParams, noQuery } from '../fields.ts';
import { defineRoute } from '../route.ts';

export const logOutRoute = defineRoute({
  method: 'post',
  path: '/api/v1/platform/auth/logout',
  operationId: 'logOut',
  summary: 'End the session of this token',
  description:
    "The token is refused from the next request on. No effect for a platform key, which has no session. The portal's cookie is deleted too.",
  access: platformCaller('nothing', 'own'),
  params: noParams,
  query: noQuery,
  body: noBody,
  success: { 200: 'Logged out.' },
  answer: z.strictObject({ success: z.literal(true) }),
  errors: [],
  async handle(parts: Parameters<typeof logOut>[0], { caller, pageOrigin }) {
    await logOut(parts, caller);
    const origin = pageOrigin();
    return {
      status: 200,
      body: { success: true as const },
      ...(origin !== undefined && { headers: { 'Set-Cookie': endedSessionCookie(origin) } }),
    };
  },
});
