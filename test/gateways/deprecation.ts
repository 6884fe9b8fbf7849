import { expect, test } from 'vitest';
import { mint, refreshed } from '../support/keys.ts';
import { decided, type Site } from './site.ts';

/** For gateways that can hand a header of the check on to the client. */
export function testDeprecation(site: () => Site): void {
  test('a client whose key was replaced is told since when, and when it stops', async () => {
    const old = await mint(site().broker);
    const next = await refreshed(site().broker, old, { grace_period_seconds: 3_600 });
    const told = async (key: string) => {
      const { status, headers } = await decided(() => site().send('/', { headers: { 'X-API-Key': key } }));
      return [status, headers.deprecation, headers.sunset];
    };
    const since = Math.floor(Date.parse(next.created_at) / 1_000);
    const end = new Date((since + 3_600) * 1_000).toUTCString();
    expect(await told(old.key)).toEqual([200, `@${since}`, end]);
    expect(await told(next.key)).toEqual([200, undefined, undefined]);
  });
}
