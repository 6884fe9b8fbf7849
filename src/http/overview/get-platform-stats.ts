import { z } from 'zod';
import { getPlatformStats } from '../../usecases/overview/get-platform-stats.ts';
import { platformCaller } from '../access/platform-caller.ts';
import { noBody, noParams, noQuery } from '../fields.ts';
import { defineRoute } from '../route.ts';

export const getPlatformStatsRoute = defineRoute({
  method: 'get',
  path: '/api/v1/platform/stats',
  operationId: 'getPlatformStats',
  summary: 'How many keys there are, and how often keys were used today',
  description:
    "Number of tenant and platform keys, and of accepted verifications of every key, hidden ones included, since 00:00 UTC. Calls are counted within ten seconds. Operators' own calls with a platform key count too.",
  access: platformCaller('platform:keys:read'),
  params: noParams,
  query: noQuery,
  body: noBody,
  success: { 200: 'The counts at this moment.' },
  answer: z.strictObject({
    total_keys: z.int(),
    active_keys: z.int(),
    expired_keys: z.int(),
    api_calls_today: z.int(),
  }),
  errors: [],
  async handle(parts: Parameters<typeof getPlatformStats>[0]) {
    const counts = await getPlatformStats(parts);
    return {
      status: 200,
      body: {
        total_keys: counts.totalKeys,
        active_keys: counts.activeKeys,
        expired_keys: counts.expiredKeys,
        api_calls_today: counts.callsToday,
      },
    };
  },
});
