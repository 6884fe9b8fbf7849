import { afterAll, beforeAll } from 'vitest';
import { atEnd, endAll } from '../support/at-end.ts';
import { startBroker, type TestBroker } from '../support/broker.ts';
import { platformKey } from '../support/platform-callers.ts';
import { type Desk, openDesk } from './flowplate.ts';

/** A broker, and a super-admin's platform key in the environment of whoever sits at the desk. */
export function useOperatorDesk(settings: Record<string, string> = {}): {
  broker: () => TestBroker;
  desk: () => Desk;
} {
  let broker: TestBroker;
  let desk: Desk;
  beforeAll(async () => {
    broker = await startBroker(settings);
    atEnd(() => broker.close());
    desk = await openDesk(broker.url, { FLOWPLATE_API_KEY: (await platformKey(broker)).secret });
  });
  afterAll(endAll);
  return { broker: () => broker, desk: () => desk };
}
