import { afterEach, describe, expect, test } from 'vitest';
import { doorPath } from '../http/verify/door.ts';
import { eventually } from '../support/eventually.ts';
import { mint } from '../support/keys.ts';
import type { LinkState } from './link.ts';
import { send } from './send.ts';
import { expectPassed, expectRefused, type Site } from './site.ts';

/** The page promises two seconds; the rest is for a busy machine. */
const answersWithinMs = 4_000;

export function testFaults(site: () => Site): void {
  describe('a broker that does not decide', () => {
    afterEach(() => site().link.become('open', Number(new URL(site().broker.url).port)));

    /**
     * With a good key, with a good key and a body, and without: nobody gets through, and everybody
     * hears it soon.
     */
    async function expectUndecided(key: string): Promise<void> {
      const good = { headers: { 'X-API-Key': key } };
      for (const options of [good, { ...good, method: 'POST', body: Buffer.from('body') }, {}]) {
        const askedMs = performance.now();
        const { headers } = await expectRefused(site(), 503, '/', options);
        expect(headers['retry-after']).toBe('1');
        expect(performance.now() - askedMs).toBeLessThan(answersWithinMs);
      }
    }

    test('says 503 itself, and so does the gateway', async () => {
      const { undecidedPort, link, broker } = site();
      const { key } = await mint(broker);
      const asGateway = { headers: { 'x-flowplate-master-key': broker.masterKey } };
      const door = () => send(`http://127.0.0.1:${undecidedPort}`, doorPath, asGateway);
      await eventually(10_000, door, ({ status }) => status === 503);
      await link.become('open', undecidedPort);
      await expectUndecided(key);
    });

    test.each<[string, LinkState]>([
      ['hangs', 'silent'],
      ['is down', 'closed'],
      ['breaks every connection', 'reset'],
    ])('%s: 503 for everybody and in time, and good keys pass again when it is back', async (_, state) => {
      const { link, broker } = site();
      const { key } = await mint(broker);
      const good = { headers: { 'X-API-Key': key } };
      await expectPassed(site(), '/', good);
      await link.become(state);
      await expectUndecided(key);
      await link.become('open');
      await eventually(
        10_000,
        () => site().send('/', good),
        ({ status }) => status === 200,
      );
    });
  });
}
