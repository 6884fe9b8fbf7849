import { keepPreviousData, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { answerTo, api, pageOf } from '../api/client.ts';
import type { operations } from '../api/schema.d.ts';

type UsersQuery = NonNullable<operations['listPlatformUsers']['parameters']['query']>;
export type UserSort = NonNullable<UsersQuery['sort']>;

export type UserFilter = { search: string; sort: UserSort; isDescending: boolean; cursor: string };

const usersKey = ['users'];

/** Loads one page, filtered and sorted by the server. */
export function useUsers({ search, sort, isDescending, cursor }: UserFilter) {
  const query: UsersQuery = {
    limit: 50,
    sort,
    order: isDescending ? 'desc' : 'asc',
    ...(search !== '' && { search }),
    ...(cursor !== '' && { cursor }),
  };
  return useQuery({
    queryKey: [...usersKey, query],
    queryFn: () => pageOf(api.GET('/api/v1/platform/users', { params: { query } })),
    placeholderData: keepPreviousData,
  });
}

export function useRoles(enabled = true) {
  return useQuery({
    queryKey: ['roles'],
    queryFn: () => answerTo(api.GET('/api/v1/platform/roles')),
    staleTime: 60_000,
    enabled,
  });
}

/** Mutation of users that reloads their list. */
export function useUserChange<Wanted>(change: (wanted: Wanted) => Promise<unknown>, onDone: () => void) {
  const queryClient = useQueryClient();
  return useMutation({
    mutationFn: change,
    onSuccess: async () => {
      await queryClient.invalidateQueries({ queryKey: usersKey });
      // The change may concern one's own name or roles.
      await queryClient.invalidateQueries({ queryKey: ['me'] });
      onDone();
    },
  });
}
