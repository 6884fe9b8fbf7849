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
  let isRight = true;
  for (const scenario of options.scenarios) isRight = (await measure(scenario, options.pace)) && isRight;
  return isRight ? 0 : 1;
}

/**
 * Each with its own stores, so that no scenario finds tables that another has filled. False when
 * the product contradicts what it promises.
 */
async function measure(scenario: Scenario, pace: Pace): Promise<boolean> {
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
    const tables = await scenario.run(stage, pace);
    for (const table of tables) console.log(toMarkdown(table));
    const contradictions = tables.flatMap((table) => table.contradictions ?? []);
    for (const contradiction of contradictions) console.error(`CONTRADICTION: ${contradiction}`);
    const { seen } = stage.otherWork;
    if (seen.length > 0) console.log(`${otherWorkNote(seen)}\n`);
    console.error(`${scenario.name}: ${Math.round((performance.now() - startedMs) / 1_000)} s`);
    return contradictions.length === 0;
  } finally {
    await close();
    for (const signal of ['SIGINT', 'SIGTERM']) process.off(signal, stop);
  }
}
