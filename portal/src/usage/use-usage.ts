import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { answerTo, api, type Get } from '../api/client.ts';

export type Usage = Get<'/api/v1/platform/usage'>;

export const rangeDays = { '7': 'Last 7 days', '30': 'Last 30 days', '90': 'Last 90 days' } as const;

export type RangeDays = keyof typeof rangeDays;

const dayMs = 86_400_000;

/** Calls of the most used tenants, or of one, by UTC day, today included. */
export function useUsage(days: RangeDays, organizationId: string) {
  return useQuery({
    queryKey: ['usage', days, organizationId],
    queryFn: () => {
      const from = new Date(Date.now() - (Number(days) - 1) * dayMs).toISOString().slice(0, 10);
      const query = { from, limit: 100, ...(organizationId !== '' && { organization_id: organizationId }) };
      return answerTo(api.GET('/api/v1/platform/usage', { params: { query } }));
    },
    placeholderData: keepPreviousData,
  });
}
