import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { text as readAll } from 'node:stream/consumers';
import { Interrupted, WrongUse } from './failure.ts';

/** As many whatever was typed: not even the length is to be seen. */
const stars = '********';

export type Question = { label: string; fromStdin?: boolean | undefined; option?: string };

/**
 * Asks at the terminal and shows nothing of what is typed; or takes the first line of stdin when
 * told to. A secret on the command line would stand in the shell's history and in the list of
 * processes.
 */
export async function askSecret({ label, fromStdin, option }: Question): Promise<string> {
  const [secret = ''] = await askSecrets([label], fromStdin, option);
  return secret;
}

/** Several, one after the other; from stdin one a line. */
export async function askSecrets(
  labels: readonly string[],
  fromStdin: boolean | undefined,
  option = '--password-stdin',
): Promise<string[]> {
  if (fromStdin === true) return readSecrets(labels);
  if (!process.stdin.isTTY) {
    throw new WrongUse(`there is no terminal to ask at (${labels.join(', ')}); use ${option}`);
  }
  const secrets: string[] = [];
  for (const label of labels) secrets.push(required(label, await typeUnseen(label)));
  return secrets;
}

async function readSecrets(labels: readonly string[]): Promise<string[]> {
  const lines = (await readAll(process.stdin)).split(/\r?\n/);
  return labels.map((label, index) => required(label, lines[index] ?? ''));
}

function required(label: string, secret: string): string {
  if (secret === '') throw new WrongUse(`${label} is empty`);
  return secret;
}

/** Readline takes the terminal's echo away and edits the line; what it would draw goes nowhere. */
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
