import { useMutation, useQueryClient } from '@tanstack/react-query';
import { meKey } from '../query-client.ts';

/**
 * A change of the roles, after which they are asked for again, and what oneself may do: it may have
 * been one's own role.
 */
export function useRoleChange<Wanted>(change: (wanted: Wanted) => Promise<unknown>, onDone: () => void) {
  const queryClient = useQueryClient();
  return useMutation({
    mutationFn: change,
    onSuccess: async () => {
      await queryClient.invalidateQueries({ queryKey: ['roles'] });
      await queryClient.invalidateQueries({ queryKey: meKey });
      onDone();
    },
  });
}
