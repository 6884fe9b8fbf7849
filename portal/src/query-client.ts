import { MutationCache, QueryCache, QueryClient } from '@tanstack/react-query';
import { ApiFault, isSessionOver } from './api/fault.ts';
import { areFormsUnsaved } from './parts/unsaved-forms.ts';

export const meKey = ['me'] as const;
export const sessionKey = ['session'] as const;

/**
 * Queries of the login itself. A mounted view retries once and is refused, while the login waits
 * for these.
 */
const ofTheLogin: readonly unknown[] = [...meKey, ...sessionKey];

/**
 * Handles an ended session: nobody is logged in, and all cached data is dropped. Behind a filled
 * form the view stays as it is, until its operator has logged in again.
 */
function noticeEnd(error: unknown): void {
  if (!isSessionOver(error)) return;
  if (!areFormsUnsaved())
    queryClient.removeQueries({ predicate: ({ queryKey }) => !ofTheLogin.includes(queryKey[0]) });
  queryClient.setQueryData(meKey, null);
}

export const queryClient: QueryClient = new QueryClient({
  queryCache: new QueryCache({ onError: noticeEnd }),
  mutationCache: new MutationCache({ onError: noticeEnd }),
  defaultOptions: {
    queries: {
      // Refusals are not retried; temporary errors (no network, 5xx) twice.
      retry: (failures, error) => !(error instanceof ApiFault && error.status < 500) && failures < 2,
      staleTime: 5_000,
    },
    // A mutation is forgotten when its dialog closes: its variables and its answer may be secrets.
    mutations: { gcTime: 0 },
  },
});
