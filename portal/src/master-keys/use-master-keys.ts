import { keepPreviousData, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { answerTo, api, pageOf } from '../api/client.ts';
import type { paths } from '../api/schema.d.ts';

type OfOne = paths['/api/v1/platform/master-keys/{id}']['get']['responses'];

export type MasterKey = OfOne[200]['content']['application/json'];
export type MasterKeyPermission = MasterKey['permissions'][number];
export type MasterKeyFilter = { name: string; status: string; cursor: string };

const masterKeysKey = 'master-keys';

export function useMasterKeys({ name, status, cursor }: MasterKeyFilter) {
  const query = {
    limit: 25,
    ...(name !== '' && { name }),
    ...(status !== '' && { status: status as MasterKey['status'] }),
    ...(cursor !== '' && { cursor }),
  };
  return useQuery({
    queryKey: [masterKeysKey, 'list', query],
    queryFn: () => pageOf(api.GET('/api/v1/platform/master-keys', { params: { query } })),
    placeholderData: keepPreviousData,
  });
}

export function useMasterKey(id: string) {
  return useQuery({
    queryKey: [masterKeysKey, 'one', id],
    queryFn: () => answerTo(api.GET('/api/v1/platform/master-keys/{id}', { params: { path: { id } } })),
  });
}

export function useMintedOrganizations(id: string, cursor: string) {
  const query = { limit: 10, ...(cursor !== '' && { cursor }) };
  const params = { path: { id }, query };
  return useQuery({
    queryKey: [masterKeysKey, 'organizations', id, cursor],
    queryFn: () => pageOf(api.GET('/api/v1/platform/master-keys/{id}/organizations', { params })),
    placeholderData: keepPreviousData,
  });
}

/**
 * Mutation of master keys that reloads them afterwards. Its result is not cached, because it may be
 * a secret.
 */
export function useMasterKeyChange<Wanted, Done>(
  change: (wanted: Wanted) => Promise<Done>,
  onDone: (done: Done) => void,
) {
  const queryClient = useQueryClient();
  return useMutation({
    mutationFn: async (wanted: Wanted) => onDone(await change(wanted)),
    onSettled: () => queryClient.invalidateQueries({ queryKey: [masterKeysKey] }),
  });
}
