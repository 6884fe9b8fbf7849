import type { Log } from '../log.ts';

/**
 * Life cycle of a process. It starts, or prints why not and exits with 1. SIGTERM or SIGINT lets it
 * finish; it then exits with 0. SIGHUP calls `reload`; without one it ends the process.
 */
export function runProcess(
  log: Log,
  start: () => Promise<void>,
  stop: (signal: string) => Promise<void>,
  reload?: () => void,
): void {
  let isStopping = false;
  if (reload !== undefined) process.on('SIGHUP', () => isStopping || reload());
  for (const signal of ['SIGTERM', 'SIGINT']) {
    process.on(signal, () => {
      if (isStopping) return;
      isStopping = true;
      void stop(signal).then(() => {
        log.info('stopped');
        process.exit(0);
      });
    });
  }
  start().catch((error: unknown) => {
    log.fatal({ err: error }, 'could not start');
    log.flush(() => process.exit(1));
  });
}
