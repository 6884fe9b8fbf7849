import { afterAll } from 'vitest';
import { startBroker } from '../support/broker.ts';
import { bootstrapped } from '../support/platform-users.ts';
import { openPortal, type Portal, sessionCookie, startBrowser } from './browser.ts';

/** A broker with its first platform user, and a browser before it; both end with the file. */
export async function openSite(settings: Record<string, string> = {}) {
  const [broker, browser] = await Promise.all([startBroker(settings), startBrowser()]);
  afterAll(async () => {
    await browser.close();
    await broker.close();
  });
  const root = await bootstrapped(broker);
  /** Opens a view as somebody who has logged in, and waits for its heading if one is named. */
  const openAs = async (email: string, view: string, heading?: string): Promise<Portal> => {
    const cookie = await sessionCookie(broker.url, email);
    const portal = await openPortal(browser, broker.url, view, undefined, [cookie]);
    await portal.page.getByRole('navigation').waitFor();
    if (heading !== undefined) await portal.page.getByRole('heading', { name: heading }).waitFor();
    return portal;
  };
  return { broker, browser, root, openAs };
}
