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

export type KeyRefusal =
  paths['/api/v1/platform/hidden-keys/{key_id}/refusals']['get']['responses'][200]['content']['application/json'][number];

export function useKeyRefusals(id: string) {
  const params = { path: { key_id: id } };
  return useQuery({
    queryKey: [hiddenKeysKey, 'refusals', id],
    queryFn: () => answerTo(api.GET('/api/v1/platform/hidden-keys/{key_id}/refusals', { params })),
  });
}

export type Explanation =
  paths['/api/v1/platform/hidden-keys/{key_id}/explain']['post']['responses'][200]['content']['application/json'];

type ExplainBody = NonNullable<
  paths['/api/v1/platform/hidden-keys/{key_id}/explain']['post']['requestBody']
>['content']['application/json'];

/** Asks on demand: what a verification with these demands would say. It counts nothing. */
export function useExplanation(id: string) {
  const params = { path: { key_id: id } };
  return useMutation({
    mutationFn: (body: ExplainBody) =>
      answerTo(api.POST('/api/v1/platform/hidden-keys/{key_id}/explain', { params, body })),
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
