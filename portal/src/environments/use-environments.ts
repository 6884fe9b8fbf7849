import { keepPreviousData, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { answerTo, api } from '../api/client.ts';
import type { paths } from '../api/schema.d.ts';

type Page = paths['/api/v1/environments']['get']['responses'][200]['content']['application/json'];

export type Environment = Page['data'][number];

const environmentsKey = 'environments';

/** Of the impersonated tenant; the client adds it to each call. */
export function useEnvironments(tenantId: string, cursor: string) {
  const query = { limit: 25, ...(cursor !== '' && { cursor }) };
  return useQuery({
    queryKey: [environmentsKey, tenantId, query],
    queryFn: () => answerTo(api.GET('/api/v1/environments', { params: { query } })),
    placeholderData: keepPreviousData,
  });
}

export function useEnvironmentChange<Wanted>(
  change: (wanted: Wanted) => Promise<unknown>,
  onDone: () => void,
) {
  const queryClient = useQueryClient();
  return useMutation({
    mutationFn: change,
    onSuccess: async () => {
      await queryClient.invalidateQueries({ queryKey: [environmentsKey] });
      onDone();
    },
  });
}
