import type { TestBroker } from '../support/broker.ts';
import type { Portal } from './browser.ts';

export const row = ({ page }: Portal, name: string) => page.getByRole('row').filter({ hasText: name });

/** Takes an action from the dropdown of a key. */
export async function choose(portal: Portal, name: string, action: string): Promise<void> {
  await portal.page.getByRole('button', { name: `Actions for ${name}` }).click();
  await portal.page.getByRole('menuitem', { name: action }).click();
  await portal.page.getByRole('menu').waitFor({ state: 'detached' });
}

/** Status for a key of an operator: 200 while it works, 401 once it has ended. */
export async function statusOf(broker: TestBroker, headers: Record<string, string>): Promise<number> {
  return (await broker.call('GET /api/v1/platform/stats', { as: null, headers })).status;
}

export const bearer = (secret: string) => ({ authorization: `Bearer ${secret}` });
