import type { CDPSession } from 'playwright-core';
import { expect } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { everythingKept, type Portal } from './browser.ts';

/**
 * Everything that is said from now on: what the page sends, what it is answered, what it writes to
 * the console, where it goes.
 */
export async function overhear({ page }: Portal) {
  const [sent, said, places]: [string[], string[], string[]] = [[], [], []];
  const answers: Promise<string>[] = [];
  page.on('request', (request) =>
    sent.push(request.url(), request.postData() ?? '', JSON.stringify(request.headers())),
  );
  page.on('response', (response) =>
    answers.push(
      Promise.all([response.text().catch(() => ''), response.allHeaders()]).then((parts) =>
        JSON.stringify(parts),
      ),
    ),
  );
  page.on('console', (message) => said.push(message.text()));
  page.on('framenavigated', (frame) => places.push(frame.url()));
  const inspector = await page.context().newCDPSession(page);
  return {
    /**
     * Expects that a secret that was shown is nowhere any more, and came in one answer only.
     * `storageState` reads what scripts cannot, too: cookies that are HttpOnly; and it reads all of
     * IndexedDB.
     */
    async expectGone(secret: string): Promise<void> {
      const { entries } = await inspector.send('Page.getNavigationHistory');
      const looked = {
        page: await page.evaluate(everythingKept),
        storage: JSON.stringify(await page.context().storageState({ indexedDB: true })),
        caches: await page.evaluate('caches.keys().then((names) => JSON.stringify(names))'),
        history: JSON.stringify(entries),
        places: places.join('\n'),
        console: said.join('\n'),
        sent: sent.join('\n'),
      };
      for (const [place, text] of Object.entries(looked)) {
        expect(text, `${place} holds the secret`).not.toContain(secret);
      }
      const bodies = await Promise.all(answers);
      expect(bodies.filter((body) => body.includes(secret))).toHaveLength(1);
    },

    /**
     * Expects that not even the memory of the page holds it, once its dialogs are closed: no cache
     * of the page, and no closure. React keeps what a component was given last until it renders the
     * next time, so the page is used a little first.
     */
    async expectForgotten(secret: string): Promise<void> {
      const isHeld = async () => {
        await page.getByRole('button', { name: /^Switch to (dark|light) colours$/ }).click();
        return (await heapOf(inspector)).includes(secret);
      };
      expect(await eventually(20_000, isHeld, (held) => !held)).toBe(false);
    },
  };
}

/** All that is reachable, strings included, after the garbage is collected. */
async function heapOf(inspector: CDPSession): Promise<string> {
  const chunks: string[] = [];
  const take = ({ chunk }: { chunk: string }) => void chunks.push(chunk);
  inspector.on('HeapProfiler.addHeapSnapshotChunk', take);
  await inspector.send('HeapProfiler.collectGarbage');
  await inspector.send('HeapProfiler.takeHeapSnapshot', { reportProgress: false });
  inspector.off('HeapProfiler.addHeapSnapshotChunk', take);
  return chunks.join('');
}
