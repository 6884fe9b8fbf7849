import { availableParallelism } from 'node:os';
import { runCommand } from '../../scripts/services/run-command.ts';

/**
 * The measured process has the first core, the load generator the second; the stores run anywhere.
 */
export const serverCore = 0;
export const loadCore = 1;

/** A core, or any: for processes that would have a machine of their own. */
export type Place = number | 'any';

/** Command prefix that pins a process to one core. Empty where unsupported; the report says so. */
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
