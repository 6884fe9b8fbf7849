import { type UseQueryOptions, type UseQueryResult, useQuery } from '@tanstack/react-query';
import { answerTo, api, type Get } from '../api/client.ts';
import { sessionKey } from '../query-client.ts';

type LogInState = Get<'/api/v1/platform/session'>;

/** Whether the platform has a user, and how one logs in. */
export function useLogInState(
  options: Pick<UseQueryOptions<LogInState>, 'refetchInterval'> = {},
): UseQueryResult<LogInState> {
  return useQuery({
    queryKey: sessionKey,
    queryFn: () => answerTo(api.GET('/api/v1/platform/session')),
    ...options,
  });
}
