import { Closing } from '../src/process/closing.ts';
import { type BenchOptions, readOptions, usage } from './options.ts';
import { machineNote, otherWorkNote } from './report/machine.ts';
import { toMarkdown } from './report/table.ts';
import type { Pace, Scenario } from './scenarios/scenario.ts';
import { canPin } from './stage/pin.ts';
import { openStage } from './stage/stage.ts';

process.exit(await main(process.argv.slice(2)));

async function main(args: readonly string[]): Promise<number> {
  let options: BenchOptions | 'help';
  try {
    options = readOptions(args);
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${usage}`);
    return 2;
  }
  if (options === 'help') {
    console.log(usage);
    return 0;
  }
  for (const scenario of options.scenarios) await measure(scenario, options.pace);
  return 0;
}

/** Each with its own stores, so that no scenario finds tables that another has filled. */
async function measure(scenario: Scenario, pace: Pace): Promise<void> {
  const startedMs = performance.now();
  const closing = new Closing((what, error) => console.error(`${what}: ${String(error)}`));
  let closed: Promise<void> | undefined;
  const close = () => {
    closed ??= closing.run();
    return closed;
  };
  const stop = () => void close().finally(() => process.exit(130));
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, stop);
  try {
    const stage = await openStage(closing);
    console.log(`${await machineNote(stage.sql, await canPin())}\n`);
    for (const table of await scenario.run(stage, pace)) console.log(toMarkdown(table));
    const { seen } = stage.otherWork;
    if (seen.length > 0) console.log(`${otherWorkNote(seen)}\n`);
    console.error(`${scenario.name}: ${Math.round((performance.now() - startedMs) / 1_000)} s`);
  } finally {
    await close();
    for (const signal of ['SIGINT', 'SIGTERM']) process.off(signal, stop);
  }
}
