import { keepPreviousData, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { answerTo, api, pageOf } from '../api/client.ts';
import { ApiFault } from '../api/fault.ts';
import type { paths } from '../api/schema.d.ts';
import type { UsageSpan } from '../api-keys/use-api-keys.ts';

export type HiddenKey =
  paths['/api/v1/platform/hidden-keys']['get']['responses'][200]['content']['application/json'][number];
export type HiddenKeyStatus = HiddenKey['status'];

export const hiddenKeyFilterNames = [
  'user_id',
  'key_id',
  'organization_id',
  'prefix',
  'status',
  'environment',
  'minted_by',
  'scope',
  'created_after',
  'created_before',
  'expires_before',
  'unused_since',
  'never_used',
  'cursor',
] as const;
export type HiddenKeyFilter = Record<(typeof hiddenKeyFilterNames)[number], string>;

type Searched = Pick<HiddenKeyFilter, 'user_id' | 'key_id' | 'prefix'>;

/** The filter that a search text means: the beginning of a key, the id of one, or a user. */
export function searched(text: string): Searched {
  const none = { user_id: '', key_id: '', prefix: '' };
  if (/^fl_user(_|$)/.test(text)) return { ...none, prefix: text.replace(/…$/, '') };
  return text.startsWith('flk_') ? { ...none, key_id: text } : { ...none, user_id: text };
}

export function textOf({ user_id, key_id, prefix }: Searched): string {
  return prefix || key_id || user_id;
}

export const hiddenKeysKey = 'hidden-keys';

export function useHiddenKeys({ key_id: keyId, ...filter }: HiddenKeyFilter) {
  const set = Object.entries(filter).filter(([, value]) => value !== '');
  const query = { limit: 25, ...Object.fromEntries(set) };
  return useQuery({
    queryKey: [hiddenKeysKey, query, keyId],
    queryFn: () =>
      keyId !== '' ? findById(keyId) : pageOf(api.GET('/api/v1/platform/hidden-keys', { params: { query } })),
    placeholderData: keepPreviousData,
  });
}

async function findById(id: string): Promise<{ items: HiddenKey[]; next: undefined }> {
  const params = { path: { key_id: id } };
  try {
    const key = await answerTo(api.GET('/api/v1/platform/hidden-keys/{key_id}', { params }));
    return { items: [key], next: undefined };
  } catch (error) {
    // An id of which a part is typed is refused as none.
    if (error instanceof ApiFault && [404, 422].includes(error.status)) return { items: [], next: undefined };
    throw error;
  }
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

export type UserKeys = {
  /** Keys that a gateway may still accept. */
  living: HiddenKey[];
  isMore: boolean;
};

const pagesMax = 5;
const ended: readonly HiddenKeyStatus[] = ['revoked', 'expired'];

/** The living keys of a user, from up to 500 of the newest. */
export function useKeysOfUser(userId: string) {
  return useQuery({
    queryKey: [hiddenKeysKey, 'of user', userId],
    queryFn: async (): Promise<UserKeys> => {
      const living: HiddenKey[] = [];
      let cursor: string | undefined;
      for (let page = 0; page < pagesMax; page++) {
        const query = { user_id: userId, limit: 100, ...(cursor !== undefined && { cursor }) };
        const { items, next } = await pageOf(api.GET('/api/v1/platform/hidden-keys', { params: { query } }));
        living.push(...items.filter(({ status }) => !ended.includes(status)));
        cursor = next;
        if (cursor === undefined) break;
      }
      return { living, isMore: cursor !== undefined };
    },
    staleTime: 0,
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
