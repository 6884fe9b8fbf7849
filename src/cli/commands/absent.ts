import type { Command } from 'commander';
import { UsageError } from '../failure.ts';

/** Commands of other tutorials that people try here, with the reason why they are absent. */
const absent: Record<string, string> = {
  function: 'functions belong to a job engine, and this is a broker of keys',
  functions: 'functions belong to a job engine, and this is a broker of keys',
};

/**
 * Commands without a counterpart here. They are hidden, take any words, and say so: "unknown
 * command" would send the reader to look for a typo.
 */
export function addAbsent(program: Command): void {
  for (const [name, why] of Object.entries(absent)) {
    program
      .command(`${name} [words...]`, { hidden: true })
      .description(`No counterpart here: ${why}.`)
      .helpOption(false)
      .allowUnknownOption()
      .action(() => {
        throw new UsageError(`${name} has no counterpart here: ${why}. flowplate --help lists what there is`);
      });
  }
}
