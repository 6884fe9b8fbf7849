import { randomUUID } from 'node:crypto';
import { open, readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import type { MintRequest } from '../../sdk/api-types.ts';
import type { FlowplateApiError } from '../../sdk/errors.ts';
import type { MintOutcome } from '../../sdk/mint-in-batches.ts';
import type { Cli } from '../cli.ts';
import { UsageError } from '../failure.ts';
import { printable } from '../output/printable.ts';
import { saveThis } from '../output/save-this.ts';
import type { Column } from '../output/table.ts';
import { jsonObject } from '../values.ts';

export type FromFileOptions = { fromFile: string; toFile?: string; idempotencyKey?: string };

/**
 * Mints a key for each line of a file. The secrets go to a new file that only its owner can read,
 * or to standard output. Returns whether every line got a key.
 */
export async function mintFromFile(cli: Cli, options: FromFileOptions): Promise<boolean> {
  const { fromFile, toFile, idempotencyKey = randomUUID() } = options;
  const requests = await readRequests(fromFile);
  const client = cli.masterKey();
  cli.note(`To repeat this after an interruption: --idempotency-key ${idempotencyKey}`);
  const output = toFile === undefined ? undefined : await openNew(toFile);
  const shown: Row[] = [];
  let minted = 0;
  try {
    for await (const outcome of client.mintKeys(requests, { idempotencyKey })) {
      if (outcome.minted !== undefined) minted++;
      const line = toLine(outcome.number, outcome.minted, outcome.error);
      if (output !== undefined) await output.write(line);
      else if (cli.options.json) process.stdout.write(line);
      else shown.push(toRow(requests, outcome));
      if (output !== undefined && outcome.error !== undefined) {
        cli.note(`Line ${outcome.number}: ${outcome.error.message}`);
      }
    }
  } finally {
    await output?.close();
    if (shown.length > 0) cli.printTable(shown, columns);
  }
  cli.note(`Minted ${minted} of ${requests.length} keys`, ...(minted > 0 ? [saveThis] : []));
  return minted === requests.length;
}

/** The JSON objects of a file, one a line. */
export async function readRequests<R = MintRequest>(file: string): Promise<R[]> {
  const lines = (await readAll(file)).split('\n');
  if (lines.at(-1) === '') lines.pop();
  if (lines.length === 0) throw new UsageError(`${file} has no line`);
  return lines.map((line, index) => readRequest(line, index + 1) as R);
}

async function readAll(file: string): Promise<string> {
  try {
    return file === '-' ? await text(process.stdin) : await readFile(file, 'utf8');
  } catch (error) {
    throw new UsageError(`${file} cannot be read: ${(error as Error).message}`);
  }
}

function readRequest(line: string, number: number): object {
  try {
    return jsonObject(line);
  } catch (error) {
    throw new UsageError(`line ${number}: ${(error as Error).message}`);
  }
}

/** A file that is there may hold secrets of an earlier run. */
async function openNew(file: string) {
  try {
    return await open(file, 'wx', 0o600);
  } catch (error) {
    throw new UsageError(`${file} cannot be created: ${(error as Error).message}`);
  }
}

/** The outcome of a line as a line of JSON: the answer, or the error. */
export function toLine(
  number: number,
  answer: object | undefined,
  error: FlowplateApiError | undefined,
): string {
  const failure = error && { code: error.code, message: error.message, details: error.details };
  return `${printable(JSON.stringify({ line: number, ...(answer ?? { error: failure }) }))}\n`;
}

type Row = { line: number; request: MintRequest | undefined; outcome: string };

function toRow(requests: readonly MintRequest[], { number, minted, error }: MintOutcome): Row {
  return { line: number, request: requests[number - 1], outcome: minted?.key ?? error?.message ?? '' };
}

const columns: readonly Column<Row>[] = [
  ['LINE', ({ line }) => String(line)],
  ['USER', ({ request }) => String(request?.user_id ?? '')],
  ['ORGANIZATION', ({ request }) => String(request?.organization_id ?? '')],
  ['KEY', ({ outcome }) => outcome],
];
