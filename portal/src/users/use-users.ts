import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { answerTo, api, pageOf, type User } from '../api/client.ts';

const usersKey = ['users'];

/** The people who work the platform are few: all of them are loaded, so that sorting and searching see every one. */
const usersMax = 2_000;

export function useUsers() {
  return useQuery({ queryKey: usersKey, queryFn: loadUsers });
}

async function loadUsers(): Promise<User[]> {
  const users: User[] = [];
  let cursor: string | undefined;
  do {
    const query = { limit: '100', ...(cursor !== undefined && { cursor }) };
    const page = await pageOf(api.GET('/api/v1/platform/users', { params: { query } }));
    users.push(...page.items);
    cursor = page.next;
  } while (cursor !== undefined && users.length < usersMax);
  return users;
}

export function useRoles() {
  return useQuery({
    queryKey: ['roles'],
    queryFn: () => answerTo(api.GET('/api/v1/platform/roles')),
    staleTime: 60_000,
  });
}

/** A change of the users, after which their list is asked for again. */
export function useUserChange<Wanted>(change: (wanted: Wanted) => Promise<unknown>, onDone: () => void) {
  const queryClient = useQueryClient();
  return useMutation({
    mutationFn: change,
    onSuccess: async () => {
      await queryClient.invalidateQueries({ queryKey: usersKey });
      // One's own name or roles may have been what was changed.
      await queryClient.invalidateQueries({ queryKey: ['me'] });
      onDone();
    },
  });
}
