import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { answerTo, api, type Get } from '../api/client.ts';

type Page = Get<'/api/v1/platform/events'>;
export type Event = Page['data'][number];
export type EventFilter = { types: readonly string[]; organizationId: string };

/** Below the time-outs of common proxies. */
const waitSeconds = 25;
const pageSize = 100;

/** Kept on the page; the audit log has all. */
const eventsMax = 500;

type Feed = { after: string; polls: number; events: readonly Event[] };

const beginning: Feed = { after: 'latest', polls: 0, events: [] };

/**
 * New events from now on, newest first, by long polls of the feed. A pause keeps the place in the
 * feed, so that what happens meanwhile comes afterwards. The filter must not change: another one is
 * another feed.
 */
export function useEventFeed({ types, organizationId }: EventFilter, isPaused: boolean) {
  const [feed, setFeed] = useState(beginning);
  const { after, polls } = feed;
  const query = {
    after,
    limit: pageSize,
    // The first answer has the place in the feed, and comes at once.
    ...(after !== 'latest' && { wait_seconds: waitSeconds }),
    ...(types.length > 0 && { types: types.join(',') }),
    ...(organizationId !== '' && { organization_id: organizationId }),
  };
  const poll = useQuery({
    queryKey: ['events', query, polls],
    queryFn: async ({ signal }) => {
      const page = await answerTo(api.GET('/api/v1/platform/events', { params: { query }, signal }));
      setFeed((before) => taken(before, page));
      return page.next_cursor;
    },
    enabled: !isPaused,
    gcTime: 0,
    staleTime: Number.POSITIVE_INFINITY,
  });
  return { events: feed.events, isBegun: after !== 'latest', poll };
}

function taken({ polls, events }: Feed, { data, next_cursor }: Page): Feed {
  return {
    after: next_cursor,
    polls: polls + 1,
    events: data.length === 0 ? events : [...data.toReversed(), ...events].slice(0, eventsMax),
  };
}
