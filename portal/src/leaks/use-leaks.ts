import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { api, pageOf } from '../api/client.ts';
import { hiddenKeysKey } from '../user-keys/use-user-keys.ts';

const pageSize = 25;
const refetchMs = 30_000;

/** Asked again while the page is open: a report may come at any time. */
export function useQuarantinedKeys(cursor: string) {
  const query = { status: 'quarantined' as const, limit: pageSize, ...(cursor !== '' && { cursor }) };
  return useQuery({
    queryKey: [hiddenKeysKey, 'quarantined', query],
    queryFn: () => pageOf(api.GET('/api/v1/platform/hidden-keys', { params: { query } })),
    placeholderData: keepPreviousData,
    refetchInterval: refetchMs,
  });
}

/** A report for each key of ours that a scanner has found. */
export function useLeakReports(cursor: string) {
  const query = { event_type: 'key.leaked' as const, limit: pageSize, ...(cursor !== '' && { cursor }) };
  return useQuery({
    queryKey: ['audit', 'leaks', query],
    queryFn: () => pageOf(api.GET('/api/v1/platform/audit', { params: { query } })),
    placeholderData: keepPreviousData,
    refetchInterval: refetchMs,
  });
}
