import { MutationCache, QueryCache, QueryClient } from '@tanstack/react-query';
import { ApiFault, isSessionOver } from './api/fault.ts';

export const meKey = ['me'] as const;
export const sessionKey = ['session'] as const;

/**
 * What the login asks for itself. A view that is still there asks once more and is refused again,
 * while the login is waiting for this.
 */
const ofTheLogin: readonly unknown[] = [...meKey, ...sessionKey];

/**
 * Whatever notices first that the session is over: from then on nobody is logged in, and nothing
 * that was seen is kept.
 */
function noticeEnd(error: unknown): void {
  if (!isSessionOver(error)) return;
  queryClient.removeQueries({ predicate: ({ queryKey }) => !ofTheLogin.includes(queryKey[0]) });
  queryClient.setQueryData(meKey, null);
}

export const queryClient: QueryClient = new QueryClient({
  queryCache: new QueryCache({ onError: noticeEnd }),
  mutationCache: new MutationCache({ onError: noticeEnd }),
  defaultOptions: {
    queries: {
      // Refusals stay refusals; what may pass (no network, 5xx) is asked for twice more.
      retry: (failures, error) => !(error instanceof ApiFault && error.status < 500) && failures < 2,
      staleTime: 5_000,
    },
  },
});
