import type { CallOptions } from '../client.ts';
import type { EventFilter, EventsPage } from '../operator-types.ts';
import type { Requests } from './requests.ts';

/** Beyond the wait itself. */
const answerMsMax = 10_000;

export class Events {
  readonly #requests: Requests;

  constructor(requests: Requests) {
    this.#requests = requests;
  }

  /**
   * A page of events, oldest first. Continue with `after: next_cursor`, also after an empty page.
   * With `wait_seconds` it answers as soon as there is an event. Keep the cursor after the events
   * are handled: each then arrives at least once.
   */
  pull(filter: EventFilter = {}, options: CallOptions = {}): Promise<EventsPage> {
    const { types, ...rest } = filter;
    const query = { ...rest, ...(types !== undefined && { types: types.join(',') }) };
    const timeoutMs = (filter.wait_seconds ?? 0) * 1_000 + answerMsMax;
    return this.#requests.read('/api/v1/platform/events', query, { timeoutMs, ...options });
  }
}
