import { leaveDataDir } from './launch/data-dir.ts';
import { launch } from './launch/launch.ts';
import { type LaunchOptions, readOptions, UsageError } from './launch/options.ts';
import { progress } from './services/progress.ts';
import { supervise } from './services/supervise.ts';

process.exit(await main(process.argv.slice(2)));

async function main(args: readonly string[]): Promise<number> {
  try {
    return await runUntilStopped(readOptions(args));
  } catch (err) {
    if (!(err instanceof UsageError)) throw err;
    progress(`${err.message}\nSee scripts/start --help.`);
    return 2;
  }
}

async function runUntilStopped(options: LaunchOptions): Promise<number> {
  const supervisor = supervise();
  const stopAsked = stopSignal();
  const unexpectedEnd = supervisor.unexpectedEnd.then((sentence) => {
    throw new Error(`${sentence}; stopping the rest.`);
  });
  const running = launch(supervisor, options).then((text) => {
    console.log(text);
    return stopAsked;
  });
  try {
    await Promise.race([running, stopAsked, unexpectedEnd]);
    progress('Stopping');
    return 0;
  } catch (err) {
    progress((err as Error).message);
    return 1;
  } finally {
    await supervisor.stopAll();
    await leaveDataDir(options.dataDir);
  }
}

function stopSignal(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => resolve());
  });
}
