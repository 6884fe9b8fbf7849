import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { text as readAll } from 'node:stream/consumers';
import { Interrupted, UsageError } from './failure.ts';

/** Fixed length, to hide the length of the input. */
const stars = '********';

export type Question = { label: string; fromStdin?: boolean | undefined; option?: string };

/**
 * Prompts without echo, or reads the first line of stdin when told to. A secret on the command line
 * would be in the shell's history and the process list.
 */
export async function askSecret({ label, fromStdin, option }: Question): Promise<string> {
  const [secret = ''] = await askSecrets([label], fromStdin, option);
  return secret;
}

/** Prompts several times; from stdin it reads one per line. */
export async function askSecrets(
  labels: readonly string[],
  fromStdin: boolean | undefined,
  option = '--password-stdin',
): Promise<string[]> {
  if (fromStdin === true) return readSecrets(labels);
  if (!process.stdin.isTTY) {
    throw new UsageError(`there is no terminal to ask at (${labels.join(', ')}); use ${option}`);
  }
  const secrets: string[] = [];
  for (const label of labels) secrets.push(required(label, await typeUnseen(label)));
  return secrets;
}

/**
 * Asks for one secret after another, as they turn out to be needed: at the terminal, or from the
 * next line of stdin.
 */
export function secretAsker(fromStdin: boolean | undefined): (label: string) => Promise<string> {
  if (fromStdin !== true) return (label) => askSecret({ label });
  let lines: string[] | undefined;
  return async (label) => {
    lines ??= (await readAll(process.stdin)).split(/\r?\n/);
    return required(label, lines.shift() ?? '');
  };
}

async function readSecrets(labels: readonly string[]): Promise<string[]> {
  const lines = (await readAll(process.stdin)).split(/\r?\n/);
  return labels.map((label, index) => required(label, lines[index] ?? ''));
}

function required(label: string, secret: string): string {
  if (secret === '') throw new UsageError(`${label} is empty`);
  return secret;
}

/** Readline disables the terminal's echo and edits the line; its output is discarded. */
function typeUnseen(label: string): Promise<string> {
  const nowhere = new Writable({ write: (_piece, _encoding, done) => done() });
  const lines = createInterface({ input: process.stdin, output: nowhere, terminal: true, historySize: 0 });
  process.stderr.write(`${label}: `);
  return new Promise((resolve, reject) => {
    lines.once('SIGINT', () => lines.close());
    lines.once('close', () => {
      process.stderr.write('\n');
      reject(new Interrupted());
    });
    lines.once('line', (line) => {
      lines.removeAllListeners('close').close();
      process.stderr.write(line === '' ? '\n' : `${stars}\n`);
      resolve(line);
    });
  });
}
