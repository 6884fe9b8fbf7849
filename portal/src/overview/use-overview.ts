import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { answerTo, api, type Get } from '../api/client.ts';
import { type Attention, attentionQuery } from '../api-keys/attention.ts';
import { type Span, spans, stepMs } from './spans.ts';

export type Traffic = Get<'/api/v1/platform/traffic'>;
export type TopTraffic = Get<'/api/v1/platform/traffic/top'>;
export type Verifiers = Get<'/api/v1/platform/verifiers'>;
export type Queues = Get<'/api/v1/platform/queues'>;
export type Keys = Get<'/api/v1/apikeys'>;

const overviewKey = 'overview';
const shownMax = 5;
/** Maximum exact count; more is shown as "more". */
const countedMax = 100;

/** Polls while the page is visible. Calls are counted within ten seconds. */
const kept = { refetchInterval: 10_000 };

/** Twice the span, for a comparison, and the step that has begun. */
export function useTraffic(span: Span) {
  const { granularity, steps } = spans[span];
  return useQuery({
    queryKey: [overviewKey, 'traffic', span],
    queryFn: () => {
      const from = new Date(Date.now() - 2 * steps * stepMs[granularity]).toISOString();
      return answerTo(api.GET('/api/v1/platform/traffic', { params: { query: { granularity, from } } }));
    },
    placeholderData: keepPreviousData,
    ...kept,
  });
}

/** Today or yesterday, in UTC like the counts. */
export function useTopTraffic(isYesterday: boolean) {
  return useQuery({
    queryKey: [overviewKey, 'top', isYesterday],
    queryFn: () => {
      const yesterday = new Date(Date.now() - 86_400_000).toISOString().slice(0, 10);
      const query = { limit: shownMax, ...(isYesterday && { day: yesterday }) };
      return answerTo(api.GET('/api/v1/platform/traffic/top', { params: { query } }));
    },
    placeholderData: keepPreviousData,
    ...kept,
  });
}

export function useKeysWanting(attention: Attention) {
  return useQuery({
    queryKey: [overviewKey, 'keys', attention],
    queryFn: () => {
      const query = { limit: countedMax, ...attentionQuery(attention, Date.now()) };
      return answerTo(api.GET('/api/v1/apikeys', { params: { query } }));
    },
    ...kept,
  });
}

export function useVerifiers() {
  return useQuery({
    queryKey: [overviewKey, 'verifiers'],
    queryFn: () => answerTo(api.GET('/api/v1/platform/verifiers')),
    ...kept,
  });
}

export function useQueues() {
  return useQuery({
    queryKey: [overviewKey, 'queues'],
    queryFn: () => answerTo(api.GET('/api/v1/platform/queues')),
    ...kept,
  });
}
