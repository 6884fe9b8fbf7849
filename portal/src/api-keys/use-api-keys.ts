import { keepPreviousData, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { answerTo, api, type Get } from '../api/client.ts';
import { ApiFault } from '../api/fault.ts';
import type { operations } from '../api/schema.d.ts';
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

type KeysQuery = NonNullable<operations['listApiKeys']['parameters']['query']>;
type KeyPage = Get<'/api/v1/apikeys'>;

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
    ...(status !== '' && { status: status as KeyStatus }),
    ...(kind !== '' && { platform: kind === 'platform' ? ('true' as const) : ('false' as const) }),
    ...(organization_id !== '' && { organization_id }),
    ...(cursor !== '' && { cursor }),
  };
  return useQuery({
    queryKey: [keysKey, 'list', query, name, attention],
    queryFn: () => {
      const narrowed = { ...(isAttention(attention) && attentionQuery(attention, Date.now())), ...query };
      return search(name, narrowed);
    },
    placeholderData: keepPreviousData,
  });
}

/**
 * Searches by what the text looks like: an id, the beginning of a key, its masked form, or else a
 * part of the name, and of four characters also the end of a key.
 */
async function search(text: string, query: KeysQuery): Promise<KeyPage> {
  if (/^ak_\w+$/.test(text)) return { data: await findById(text), next_cursor: null };
  const [, prefix, suffix] = /^((?:flkey_|flplatform_)\w*)?…?(\w{4})?$/.exec(text) ?? [];
  if (prefix !== undefined) return list({ ...query, prefix });
  const byName = text === '' || text.startsWith('…') ? {} : { name: text };
  if (suffix === undefined) return list({ ...query, ...byName });
  const byEnd = await list({ ...query, suffix });
  if (text.startsWith('…')) return byEnd;
  const named = await list({ ...query, name: text });
  const others = byEnd.data.filter(({ id }) => named.data.every((key) => key.id !== id));
  return { ...named, data: query.cursor === undefined ? [...others, ...named.data] : named.data };
}

function list(query: KeysQuery): Promise<KeyPage> {
  return answerTo(api.GET('/api/v1/apikeys', { params: { query } }));
}

async function findById(id: string): Promise<ApiKey[]> {
  try {
    return [await answerTo(api.GET('/api/v1/apikeys/{id}', { params: { path: { id } } }))];
  } catch (error) {
    // An id of which a part is typed is refused as none.
    if (error instanceof ApiFault && [404, 422].includes(error.status)) return [];
    throw error;
  }
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
