import type { Command } from 'commander';
import { numberRanges } from '../sdk/input-rules.ts';
import type { Page, PageOf } from '../sdk/operator-types.ts';
import type { Cli } from './cli.ts';
import { startProgress } from './output/progress.ts';
import type { Column } from './output/table.ts';
import { wholeNumber } from './values.ts';

export type PageOptions = { limit?: number; cursor?: string; all?: true };

export type Listing<Item> = {
  /** Shape of the list in the API, and so of --json. */
  shape: 'array' | 'page';
  columns: readonly Column<Item>[];
  fetch(page: PageOf): Promise<Page<Item>>;
  /** Hint for an empty list. */
  none?: string | undefined;
};

export function pageOptions(
  command: Command,
  size: { min: number; max: number } = numberRanges.pageSize,
  all = 'every page',
) {
  return command
    .option('--limit <number>', `how many on a page, at most ${size.max}`, wholeNumber(size))
    .option('--cursor <cursor>', 'where the page before ended')
    .option('--all', all);
}

/** Prints one page, or all. The next cursor goes to stderr, so that piped output stays clean. */
export async function printList<Item>(
  cli: Cli,
  { all, ...page }: PageOptions,
  { shape, columns, fetch, none }: Listing<Item>,
): Promise<void> {
  const { data, next_cursor } = all ? await fetchAll(page, fetch) : await fetch(page);
  if (cli.options.json) cli.printJson(shape === 'array' ? data : { data, next_cursor });
  else cli.printTable(data, columns);
  if (data.length === 0 && none !== undefined) cli.note(none);
  if (next_cursor !== null) process.stderr.write(`There are more: add ${wayOn(next_cursor)}--all\n`);
}

const plainCursor = /^\w[\w-]{0,299}$/;

/**
 * People copy it into their shell: a cursor that a shell would read as more than a word is left
 * out.
 */
function wayOn(cursor: string): string {
  return plainCursor.test(cursor) ? `--cursor ${cursor} or ` : '';
}

async function fetchAll<Item>(page: PageOf, fetch: Listing<Item>['fetch']): Promise<Page<Item>> {
  const progress = startProgress();
  const data: Item[] = [];
  try {
    for (let cursor = page.cursor; ; ) {
      const found = await fetch({ ...page, cursor });
      data.push(...found.data);
      if (found.next_cursor === null) return { data, next_cursor: null };
      cursor = found.next_cursor;
      progress.show(`${data.length} so far …`);
    }
  } finally {
    progress.end();
  }
}
