import { setTimeout as sleep } from 'node:timers/promises';
import { withConnection } from '../support/query.ts';

/**
 * Ends the connection on which each process listens as soon as it has one. So all notifications are
 * lost.
 */
export async function whileListenersFall(adminUrl: string, act: () => Promise<void>): Promise<void> {
  let isOver = false;
  const falling = withConnection(adminUrl, async (admin) => {
    while (!isOver) {
      await admin.query(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'flowplate-listener'`,
      );
      await sleep(20);
    }
  });
  try {
    await act();
  } finally {
    isOver = true;
    await falling;
  }
}
