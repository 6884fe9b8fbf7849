import { CommanderError } from 'commander';
import { createLog } from '../log.ts';
import { runProcess } from '../process/run-process.ts';
import { LocalVerifier } from './local-verifier.ts';
import { readSettings, type Settings } from './settings.ts';
import { wireLocalVerifier } from './wire-local-verifier.ts';

const settings = settingsOrExit();
const log = createLog({ level: 'info', service: 'verifier' });
let running: LocalVerifier | undefined;

runProcess(
  log,
  async () => {
    running = new LocalVerifier(settings, await wireLocalVerifier(settings, log));
    await running.start();
  },
  async () => running?.stop(),
);

/** Commander has printed why. */
function settingsOrExit(): Settings {
  try {
    return readSettings(process.argv.slice(2));
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    process.exit(error.exitCode === 0 ? 0 : 2);
  }
}
