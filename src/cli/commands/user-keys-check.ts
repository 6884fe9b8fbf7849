import { createReadStream } from 'node:fs';
import type { Readable } from 'node:stream';
import type { Command } from 'commander';
import { type FoundKey, KeyFinder, publicKinds } from '../../sdk/find-keys.ts';
import { act, type Cli } from '../cli.ts';
import { examples } from '../examples.ts';
import { UsageError } from '../failure.ts';
import { writeLines } from '../output/write.ts';

/** Pieces of a file: fewer calls than with the default of 64 KiB. */
const pieceBytes = 1 << 20;

/** Works without the broker and without a credential, in a hook or a pipeline. */
export function addCheck(keys: Command): void {
  const command = keys
    .command('check [files...]')
    .description(
      'Looks for real keys of any kind in files, or in - for stdin, also a git diff. Asks no server, and shows no secret. Exit code 1 if there is one.',
    )
    .action(
      act(async (cli, _, files: string[]) => {
        const found: FoundKey[] = [];
        for (const name of files.length === 0 ? ['-'] : files) {
          for await (const key of keysOf(name)) {
            if (!cli.options.json) writeLines(process.stdout, [lineOf(key)]);
            found.push(key);
          }
        }
        conclude(cli, found);
      }),
    );
  examples(
    command,
    'git diff --cached | flowplate keys check -',
    'git log -p --all | flowplate keys check -',
    'flowplate keys check .env config/*.json --json',
  );
}

async function* keysOf(name: string): AsyncGenerator<FoundKey> {
  const finder = new KeyFinder(name === '-' ? '<stdin>' : name);
  const input: Readable =
    name === '-' ? process.stdin : createReadStream(name, { highWaterMark: pieceBytes });
  try {
    for await (const piece of input) yield* finder.push((piece as Buffer).toString('latin1'));
  } catch (error) {
    // A hook must not take what could not be read for clean.
    throw new UsageError(`${name} cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown'})`);
  }
}

function lineOf({ file, line, isRemoved, kind, prefix }: FoundKey): string {
  return `${file}:${line}: ${publicKinds[kind]} key ${prefix}…${isRemoved ? ' (on a removed line, and still in the history)' : ''}`;
}

function conclude(cli: Cli, found: readonly FoundKey[]): void {
  const keys = found.map((key) => ({
    file: key.file,
    line: key.line,
    is_removed: key.isRemoved,
    kind: publicKinds[key.kind],
    environment: key.environment ?? null,
    key_prefix: key.prefix,
    look_up: lookUpOf(key),
  }));
  if (cli.options.json) cli.printJson(keys);
  if (found.length === 0) {
    cli.note('No key was found');
    return;
  }
  cli.note(
    `${found.length} ${found.length === 1 ? 'key was' : 'keys were'} found. To find the id of each, and end it:`,
  );
  cli.note(...new Set(keys.map(({ look_up }) => `  ${look_up}`)));
  process.exitCode = 1;
}

/** The command that finds the key's id by its public prefix. */
function lookUpOf({ kind, prefix }: FoundKey): string {
  if (kind === 'user') return `flowplate keys list --prefix ${prefix}`;
  const list = {
    master: 'flowplate masterkeys list --all',
    tenant: 'flowplate apikey list --all',
    platform: 'flowplate apikey list --all --platform',
    apiUser: 'flowplate users list --all',
  }[kind];
  return `${list} | grep -F ${prefix}`;
}
