import { keepPreviousData, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { answerTo, api, pageOf } from '../api/client.ts';
import type { paths } from '../api/schema.d.ts';
import type { UsageSpan } from '../api-keys/use-api-keys.ts';

export type HiddenKey =
  paths['/api/v1/platform/hidden-keys']['get']['responses'][200]['content']['application/json'][number];
export type HiddenKeyStatus = HiddenKey['status'];

export const hiddenKeyFilterNames = ['user_id', 'organization_id', 'prefix', 'status', 'cursor'] as const;
export type HiddenKeyFilter = Record<(typeof hiddenKeyFilterNames)[number], string>;

export const hiddenKeysKey = 'hidden-keys';

export function useHiddenKeys(filter: HiddenKeyFilter) {
  const set = Object.entries(filter).filter(([, value]) => value !== '');
  const query = { limit: 25, ...Object.fromEntries(set) };
  return useQuery({
    queryKey: [hiddenKeysKey, query],
    queryFn: () => pageOf(api.GET('/api/v1/platform/hidden-keys', { params: { query } })),
    placeholderData: keepPreviousData,
  });
}

export function useHiddenKey(id: string) {
  const params = { path: { key_id: id } };
  return useQuery({
    queryKey: [hiddenKeysKey, 'one', id],
    queryFn: () => answerTo(api.GET('/api/v1/platform/hidden-keys/{key_id}', { params })),
  });
}

export function loadHiddenKeyUsage(id: string, query: UsageSpan) {
  const params = { path: { key_id: id }, query };
  return answerTo(api.GET('/api/v1/platform/hidden-keys/{key_id}/usage', { params }));
}

export function useRevocation<Done>(revoke: () => Promise<Done>, onDone: (done: Done) => void) {
  const queryClient = useQueryClient();
  return useMutation({
    mutationFn: revoke,
    onSuccess: async (done) => {
      await queryClient.invalidateQueries({ queryKey: [hiddenKeysKey] });
      onDone(done);
    },
  });
}
