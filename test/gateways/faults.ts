import { afterEach, describe, expect, test } from 'vitest';
import { doorPath } from '../http/verify/door.ts';
import { exchange } from '../local-verifier/exchange.ts';
import { eventually } from '../support/eventually.ts';
import { mint } from '../support/keys.ts';
import type { LinkState } from './link.ts';
import { expectPassed, expectRefused, type Site } from './site.ts';

/** The page promises two seconds; the rest is for a busy machine. */
const answersWithinMs = 4_000;

export function testFaults(site: () => Site): void {
  describe('a broker that does not decide', () => {
    afterEach(() => site().link.become('open', site().frontAt));

    /**
     * With a good key, with a good key and a body, and without: nobody gets through, and everybody
     * hears it soon.
     */
    async function expectUndecided(key: string, withoutKey = 503): Promise<void> {
      const good = { headers: { 'X-API-Key': key } };
      for (const [options, expected] of [
        [good, 503],
        [{ ...good, method: 'POST', body: Buffer.from('body') }, 503],
        [{}, withoutKey],
      ] as const) {
        const askedMs = performance.now();
        const { headers } = await expectRefused(site(), expected, '/', options);
        if (expected === 503) expect(headers['retry-after']).toBe('1');
        expect(performance.now() - askedMs).toBeLessThan(answersWithinMs);
      }
    }

    test('says 503 itself, and so does the gateway', async () => {
      const { undecidedAt, link, broker, front } = site();
      const { key } = await mint(broker);
      const at =
        typeof undecidedAt === 'string'
          ? { socketPath: undecidedAt }
          : { url: `http://127.0.0.1:${undecidedAt}` };
      const headers = Object.entries({ 'x-flowplate-master-key': broker.masterKey, 'x-api-key': key });
      const door = () => exchange(at, { path: doorPath, headers });
      await eventually(10_000, door, ({ status }) => status === 503);
      await link.become('open', undecidedAt);
      await expectUndecided(key, front.undecidedWithoutKey);
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
