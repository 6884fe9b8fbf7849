import { keepPreviousData, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { answerTo, api, type Get, pageOf } from '../api/client.ts';

export type Webhook = Get<'/api/v1/platform/webhooks/{id}'>;
export type Delivery = Get<'/api/v1/platform/webhooks/{id}/deliveries'>[number];
export type DeliveryAnswer = NonNullable<Delivery['answer']>;

const webhooksKey = 'webhooks';

/** While it is open, a list is read again so often: deliveries come by themselves. */
const refetchMs = 5_000;

export function useWebhooks(cursor: string) {
  const query = { limit: 25, ...(cursor !== '' && { cursor }) };
  return useQuery({
    queryKey: [webhooksKey, 'list', query],
    queryFn: () => pageOf(api.GET('/api/v1/platform/webhooks', { params: { query } })),
    placeholderData: keepPreviousData,
    refetchInterval: refetchMs,
  });
}

export function useWebhook(id: string) {
  return useQuery({
    queryKey: [webhooksKey, 'one', id],
    queryFn: () => answerTo(api.GET('/api/v1/platform/webhooks/{id}', { params: { path: { id } } })),
    refetchInterval: refetchMs,
  });
}

export function useDeliveries(id: string, { status, cursor }: { status: string; cursor: string }) {
  const query = {
    limit: 10,
    ...(status !== '' && { status: status as Delivery['status'] }),
    ...(cursor !== '' && { cursor }),
  };
  const params = { path: { id }, query };
  return useQuery({
    queryKey: [webhooksKey, 'deliveries', id, query],
    queryFn: () => pageOf(api.GET('/api/v1/platform/webhooks/{id}/deliveries', { params })),
    placeholderData: keepPreviousData,
    refetchInterval: refetchMs,
  });
}

/** Its result is not cached, because it may be a secret. */
export function useWebhookChange<Wanted, Done>(
  change: (wanted: Wanted) => Promise<Done>,
  onDone: (done: Done) => void,
) {
  const queryClient = useQueryClient();
  return useMutation({
    mutationFn: async (wanted: Wanted) => onDone(await change(wanted)),
    onSettled: () => queryClient.invalidateQueries({ queryKey: [webhooksKey] }),
  });
}

/** Name of a webhook for people: its description, or else the host that it sends to. */
export function nameOf({ url, description }: Pick<Webhook, 'url' | 'description'>): string {
  return description ?? new URL(url).host;
}
