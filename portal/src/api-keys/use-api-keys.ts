import { keepPreviousData, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { answerTo, api, type Get } from '../api/client.ts';
import { attentionQuery, isAttention } from './attention.ts';

export type ApiKey = Get<'/api/v1/apikeys/{id}'>;
export type ApiKeyUsage = Get<'/api/v1/apikeys/{id}/usage'>;
export type KeyStatus = ApiKey['status'];
export type Granularity = ApiKeyUsage['granularity'];

export type UsageSpan = { granularity: Granularity; from: string };

export type KeyFilter = {
  name: string;
  status: string;
  kind: string;
  organization_id: string;
  attention: string;
  cursor: string;
};

export const keysKey = 'api-keys';
const pageSize = 25;

export function useKeyStats() {
  return useQuery({
    queryKey: [keysKey, 'stats'],
    queryFn: () => answerTo(api.GET('/api/v1/platform/stats')),
    refetchInterval: 30_000,
  });
}

/** Loads one page, filtered by the server. */
export function useApiKeys({ name, status, kind, organization_id, attention, cursor }: KeyFilter) {
  const query = {
    limit: pageSize,
    ...(name !== '' && { name }),
    ...(status !== '' && { status: status as KeyStatus }),
    ...(kind !== '' && { platform: kind === 'platform' ? ('true' as const) : ('false' as const) }),
    ...(organization_id !== '' && { organization_id }),
    ...(cursor !== '' && { cursor }),
  };
  return useQuery({
    queryKey: [keysKey, 'list', query, attention],
    queryFn: () => {
      const narrowed = { ...(isAttention(attention) && attentionQuery(attention, Date.now())), ...query };
      return answerTo(api.GET('/api/v1/apikeys', { params: { query: narrowed } }));
    },
    placeholderData: keepPreviousData,
  });
}

export function useApiKey(id: string) {
  return useQuery({
    queryKey: [keysKey, 'one', id],
    queryFn: () => answerTo(api.GET('/api/v1/apikeys/{id}', { params: { path: { id } } })),
  });
}

export function loadKeyUsage(id: string, query: UsageSpan): Promise<ApiKeyUsage> {
  return answerTo(api.GET('/api/v1/apikeys/{id}/usage', { params: { path: { id }, query } }));
}

/**
 * Mutation of keys that reloads them afterwards. Its result is not cached, because it may be a
 * secret.
 */
export function useKeyChange<Wanted, Done>(
  change: (wanted: Wanted) => Promise<Done>,
  onDone: (done: Done) => void,
) {
  const queryClient = useQueryClient();
  return useMutation({
    mutationFn: async (wanted: Wanted) => onDone(await change(wanted)),
    onSettled: () => queryClient.invalidateQueries({ queryKey: [keysKey] }),
  });
}
