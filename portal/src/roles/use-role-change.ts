import { useMutation, useQueryClient } from '@tanstack/react-query';
import { meKey } from '../query-client.ts';

/** Mutation of roles that reloads them, and the own permissions, which may have changed. */
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
