import { useQuery } from '@tanstack/react-query';
import { answerTo, api } from '../api/client.ts';

/** Maximum ids of one request. */
const idsMax = 100;

const isId = /^[A-Za-z0-9][A-Za-z0-9_.:@-]{0,127}$/;

/**
 * Names of things by id; undefined for an unknown one, and for a thing that this operator may not
 * list.
 */
export function useNames(ids: readonly (string | null | undefined)[]): (id: string) => string | undefined {
  const known = ids.filter((id) => id !== null && id !== undefined && isId.test(id));
  const wanted = [...new Set(known)].sort().slice(0, idsMax);
  const names = useQuery({
    queryKey: ['names', wanted],
    queryFn: async () => {
      const query = { ids: wanted.join(',') };
      const { data } = await answerTo(api.GET('/api/v1/platform/names', { params: { query } }));
      return new Map(data.map(({ id, name }) => [id, name]));
    },
    enabled: wanted.length > 0,
    staleTime: 60_000,
    placeholderData: (before) => before,
  });
  return (id) => names.data?.get(id);
}
