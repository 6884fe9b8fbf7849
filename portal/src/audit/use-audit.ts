import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { answerTo, api, pageOf } from '../api/client.ts';
import type { components } from '../api/schema.d.ts';

export type AuditEvent = components['schemas']['AuditEvent'];

export const auditFilterNames = [
  'event_type',
  'actor',
  'organization_id',
  'target_id',
  'request_id',
  'result',
  'from',
  'to',
  'cursor',
] as const;
export type AuditFilter = Record<(typeof auditFilterNames)[number], string>;

/** `isLive`: polls every two seconds, for the first page. */
export function useAuditEvents(filter: AuditFilter, isLive: boolean) {
  const set = Object.entries(filter).filter(([, value]) => value !== '');
  const query = { limit: 50, ...Object.fromEntries(set) };
  return useQuery({
    queryKey: ['audit', 'list', query],
    queryFn: () => pageOf(api.GET('/api/v1/platform/audit', { params: { query } })),
    placeholderData: keepPreviousData,
    refetchInterval: isLive ? 2_000 : false,
  });
}

/** Newest events of one target, reloaded whenever its details open. */
export function useRecentEvents(targetId: string) {
  const query = { target_id: targetId, limit: 10 };
  return useQuery({
    queryKey: ['audit', 'recent', query],
    queryFn: () => pageOf(api.GET('/api/v1/platform/audit', { params: { query } })),
    staleTime: 0,
  });
}

/** Runs only on request, because the server recomputes the whole chain. */
export function useAuditProof() {
  return useQuery({
    queryKey: ['audit', 'proof'],
    queryFn: () => answerTo(api.GET('/api/v1/platform/audit/verify', { params: {} })),
    enabled: false,
    gcTime: 0,
  });
}
