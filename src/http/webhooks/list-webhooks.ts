import { z } from 'zod';
import { listWebhooks } from '../../usecases/webhooks/list-webhooks.ts';
import { platformCaller } from '../access/platform-caller.ts';
import { cursorOf, nextPage, pageLimit, toCursor } from '../cursor.ts';
import { noBody, noParams } from '../fields.ts';
import { defineRoute } from '../route.ts';
import { toWebhookAnswer, webhookFields } from './webhook-schemas.ts';

const path = '/api/v1/platform/webhooks';

export const listWebhooksRoute = defineRoute({
  method: 'get',
  path,
  operationId: 'listWebhooks',
  summary: 'List webhooks',
  description: 'Newest first, without their secrets. The next page is in `Link`.',
  access: platformCaller('platform:events:read'),
  params: noParams,
  query: z.strictObject({ limit: pageLimit, cursor: cursorOf('webhook').optional() }),
  body: noBody,
  success: { 200: 'A page of webhooks.' },
  answer: z.array(z.strictObject(webhookFields)),
  errors: [],
  async handle(parts: Parameters<typeof listWebhooks>[0], { query: { limit, cursor } }) {
    const { items, next } = await listWebhooks(parts, { limit, before: cursor });
    return {
      status: 200,
      body: items.map(toWebhookAnswer),
      ...nextPage(path, { limit }, next && toCursor(next)),
    };
  },
});
