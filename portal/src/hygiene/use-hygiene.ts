import { keepPreviousData, useMutation, useQuery } from '@tanstack/react-query';
import { answerTo, api, type Get, pageOf } from '../api/client.ts';
import { hiddenKeysKey } from '../user-keys/use-user-keys.ts';

const path = '/api/v1/platform/hidden-keys/hygiene';

export type HygieneItem = Get<typeof path>[number];
export type Finding = HygieneItem['findings'][number];

export const hygieneFilterNames = [
  'finding',
  'organization_id',
  'user_id',
  'environment',
  'unused_days',
  'expiring_days',
  'age_days',
  'unasked_days',
  'cursor',
] as const;
export type HygieneFilter = Record<(typeof hygieneFilterNames)[number], string>;

/** Days that count unless some are set. */
export const unaskedDaysUnlessSet = 30;

const sinceHeader = 'x-flowplate-scopes-recorded-since';

export function useHygiene(filter: HygieneFilter) {
  const query = toQuery(filter);
  return useQuery({
    queryKey: [hiddenKeysKey, 'hygiene', query],
    queryFn: async () => {
      const called = await api.GET(path, { params: { query } });
      const page = await pageOf(Promise.resolve(called));
      return { ...page, scopesRecordedSince: called.response.headers.get(sinceHeader) };
    },
    placeholderData: keepPreviousData,
  });
}

/** Fetches the whole report as a file, whatever page is shown. */
export function useHygieneCsv(onFile: (file: Blob) => void) {
  return useMutation({
    mutationFn: async (filter: HygieneFilter) => {
      const { limit: _, ...query } = toQuery({ ...filter, cursor: '' });
      const call = api.GET(path, { params: { query }, headers: { accept: 'text/csv' }, parseAs: 'blob' });
      return answerTo<unknown>(call) as Promise<Blob>;
    },
    onSuccess: onFile,
  });
}

function toQuery(filter: HygieneFilter) {
  const set = Object.entries(filter).filter(([, value]) => value !== '');
  return { limit: 25, ...Object.fromEntries(set) };
}
