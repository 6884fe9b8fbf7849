import type { Command } from 'commander';
import type { ImportRequest } from '../../sdk/import-in-batches.ts';
import { act } from '../cli.ts';
import { examples } from '../examples.ts';
import { readRequests, toLine } from './user-keys-from-file.ts';

/** Lines between two notes of the progress. */
const noteEvery = 10_000;

export function addImport(keys: Command): void {
  const command = keys
    .command('import <file>')
    .description(
      'Imports keys of another product by their hashes: one JSON object a line, - for standard input. 1 if a line failed.',
    )
    .option('--dry-run', 'say what would be imported, and write nothing')
    .action(
      act(async (cli, { dryRun = false }: { dryRun?: boolean }, file: string) => {
        const requests = await readRequests<ImportRequest>(file);
        const counts = new Map<string, number>();
        for await (const outcome of cli.masterKey().importKeys(requests, { dryRun })) {
          const { number, imported, error } = outcome;
          const status = imported?.status ?? 'failed';
          counts.set(status, (counts.get(status) ?? 0) + 1);
          if (cli.options.json) process.stdout.write(toLine(number, imported, error));
          else if (error !== undefined) cli.note(`Line ${number}: ${error.message}`);
          if (number % noteEvery === 0) cli.note(`${number} of ${requests.length} lines`);
        }
        const summary = [...counts].map(([status, count]) => `${count} ${status}`).join(', ');
        cli.note(`${requests.length} lines: ${summary}`);
        if (counts.has('failed')) process.exitCode = 1;
      }),
    );
  examples(
    command,
    'flowplate keys import old-keys.ndjson --dry-run',
    'flowplate keys import old-keys.ndjson',
  );
}
