import { z } from 'zod';
import type { Caller } from '../../domain/principal.ts';
import { findExplainedKey } from '../../usecases/user-keys/find-explained-key.ts';
import type { ReadParts } from '../../usecases/user-keys/key-with-usage.ts';
import { type ExplainParts, explainRecord } from '../../verify/explain.ts';
import { masterKey } from '../access/master-key.ts';
import { platformCaller } from '../access/platform-caller.ts';
import { environmentSlug, externalId, keyId, noQuery, scopes, startTime } from '../fields.ts';
import { defineRoute } from '../route.ts';
import { explanationAnswer } from '../verify/verdict-schemas.ts';

const body = z.strictObject({
  scopes: scopes.optional(),
  organization_id: externalId.optional(),
  environment: environmentSlug.optional(),
  ip: z.string().optional(),
  at: startTime.optional(),
});

type Asked = { params: { key_id: string }; body: z.output<typeof body>; caller: Caller };

const explainsKey = {
  method: 'post',
  description:
    'Every check that a verification with these demands would make, in order, each with what was asked and what the key has, what is left of its limits, and the verdict. It spends and counts nothing. Decided is by the settings that the key has now; `at` is the time by which its end and its grace are judged, and limits of another time are not known.',
  params: z.strictObject({ key_id: keyId }),
  query: noQuery,
  body,
  success: { 200: 'The checks and the verdict.' },
  answer: explanationAnswer,
  errors: ['KEY_NOT_FOUND'],
  async handle(parts: Pick<ReadParts, 'db'> & { verify: ExplainParts }, { params, body, caller }: Asked) {
    const known = await findExplainedKey(parts, caller.principal, params.key_id);
    const { organization_id: organizationId, ...asked } = body;
    return { status: 200, body: await explainRecord(parts.verify, known, { ...asked, organizationId }) };
  },
} as const;

export const explainKeyRoute = defineRoute({
  ...explainsKey,
  path: '/v1/flowplate/api-keys/:key_id/explain',
  operationId: 'explainKey',
  summary: 'Why a key is refused',
  access: masterKey('keys:explain'),
});

export const explainKeyForPlatformRoute = defineRoute({
  ...explainsKey,
  path: '/api/v1/platform/hidden-keys/:key_id/explain',
  operationId: 'explainHiddenKey',
  summary: 'Why a hidden user key is refused',
  access: platformCaller('platform:hidden_keys:read', 'confined'),
});
