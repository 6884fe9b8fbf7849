import { availableParallelism } from 'node:os';
import { runCommand } from '../../scripts/services/run-command.ts';

/**
 * What is measured has the first core to itself, what measures it the second; the stores run where
 * there is room.
 */
export const serverCore = 0;
export const loadCore = 1;

/**
 * A core, or wherever there is room: for processes of which each would have a machine of its own.
 */
export type Place = number | 'any';

/**
 * Words to put before a command so that it stays on one core. Empty where that is not possible; the
 * report says so.
 */
export async function pinTo(core: Place): Promise<string[]> {
  return core !== 'any' && (await canPin()) ? ['taskset', '--cpu-list', String(core)] : [];
}

let pinning: Promise<boolean> | undefined;

export function canPin(): Promise<boolean> {
  pinning ??=
    availableParallelism() < 2
      ? Promise.resolve(false)
      : runCommand(['taskset', '--cpu-list', String(loadCore), 'true']).then(
          ({ exitCode }) => exitCode === 0,
        );
  return pinning;
}
