import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { answerTo, api } from '../api/client.ts';
import type { paths } from '../api/schema.d.ts';
import { type HiddenKeyFilter, hiddenKeysKey } from './use-user-keys.ts';

type Operation = paths['/api/v1/platform/hidden-keys/bulk']['post'];
type Body = NonNullable<Operation['requestBody']>['content']['application/json'];
type Answer = Operation['responses'][200]['content']['application/json'];

export type BulkOrder = Pick<Body, 'action' | 'filter' | 'reason'>;
export type BulkPreview = Extract<Answer, { confirm_token: string }>;
export type BulkOrdered = Extract<Answer, { affected_count: number }>;
export type Job =
  paths['/api/v1/platform/jobs/{job_id}']['get']['responses'][200]['content']['application/json'];

const shared = [
  'user_id',
  'organization_id',
  'environment',
  'minted_by',
  'created_before',
  'created_after',
  'unused_since',
  'scope',
] as const;
const others = ['key_id', 'prefix', 'status', 'expires_before'] as const;

/** The list's filter as that of an order; undefined without one, or with one that orders lack. */
export function toBulkFilter(filter: HiddenKeyFilter): BulkOrder['filter'] | undefined {
  if (others.some((name) => filter[name] !== '')) return undefined;
  const set = shared.filter((name) => filter[name] !== '').map((name) => [name, filter[name]]);
  const use = filter.never_used === '' ? [] : [['never_used', filter.never_used === 'true']];
  const entries = [...set, ...use];
  return entries.length === 0 ? undefined : Object.fromEntries(entries);
}

const send = (body: Body) => answerTo<Answer>(api.POST('/api/v1/platform/hidden-keys/bulk', { body }));

/** Changes nothing: counts the keys, and gives the token that confirms exactly these. */
export function useBulkPreview() {
  return useMutation({
    mutationFn: async (order: BulkOrder) => (await send({ ...order, dry_run: true })) as BulkPreview,
  });
}

export function useBulkOrder() {
  const queryClient = useQueryClient();
  return useMutation({
    mutationFn: async ({ confirm_token, ...order }: BulkOrder & { confirm_token: string }) =>
      (await send({ ...order, confirm_token })) as BulkOrdered,
    onSuccess: () => queryClient.invalidateQueries({ queryKey: [hiddenKeysKey] }),
  });
}

const lookEveryMs = 1_000;

export function useJob(id: string) {
  const params = { path: { job_id: id } };
  return useQuery({
    queryKey: [hiddenKeysKey, 'job', id],
    queryFn: () => answerTo(api.GET('/api/v1/platform/jobs/{job_id}', { params })),
    refetchInterval: ({ state: { data } }) => (data?.finished_at == null ? lookEveryMs : false),
  });
}

export function useCancelJob(id: string) {
  const queryClient = useQueryClient();
  const params = { path: { job_id: id } };
  return useMutation({
    mutationFn: () => answerTo(api.POST('/api/v1/platform/jobs/{job_id}/cancel', { params, body: {} })),
    onSuccess: () => queryClient.invalidateQueries({ queryKey: [hiddenKeysKey] }),
  });
}
