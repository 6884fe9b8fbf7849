import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { atEnd } from '../support/at-end.ts';
import { eventually } from '../support/eventually.ts';
import { type Desk, launcher } from './flowplate.ts';

const prompt = '$>';
const answerMsMax = 60_000;

export type Terminal = {
  /** Everything that was on the screen so far. */
  screen(): string;
  /** Presses the keys, and Enter. */
  type(text: string): void;
  /** Presses keys alone, such as Ctrl-C. */
  press(keys: string): void;
  waitFor(text: string): Promise<void>;
  /**
   * Types a command into the shell and hands back what was printed until the shell asks for the
   * next one.
   */
  command(line: string): Promise<string>;
};

/**
 * A shell in a terminal of its own: `script` (util-linux) opens the pseudo-terminal, so that
 * programs see what they see when a person sits before them.
 */
export async function openTerminal({ home, env }: Desk): Promise<Terminal> {
  await symlink(launcher, join(home, 'flowplate'));
  // The launcher asks the PATH for node.
  const path = [home, dirname(process.execPath), env.PATH].join(':');
  // Without a history, which a shell would write after its home is gone.
  await writeFile(join(home, 'rc'), `PS1='${prompt}'\nstty cols 250\nunset HISTFILE\n`);
  const shell = spawn('script', ['-qefc', 'bash --noprofile --rcfile "$HOME/rc" -i', '/dev/null'], {
    env: { ...env, PATH: path, TERM: 'xterm', SHELL: '/bin/sh' },
  });
  // Its terminal goes with it, and so does what runs there.
  const ended = once(shell, 'exit');
  atEnd(async () => {
    shell.kill('SIGKILL');
    await ended;
  });
  let seen = '';
  shell.stdout.setEncoding('utf8').on('data', (piece: string) => {
    seen += piece;
  });
  const screen = () => stripVTControlCharacters(seen).replaceAll('\r', '');
  const press = (keys: string) => void shell.stdin.write(keys);
  const type = (text: string) => press(`${text}\r`);
  const prompts = () => screen().split(prompt).length - 1;
  const untilPrompt = (count: number) => eventually(answerMsMax, prompts, (now) => now >= count);
  await untilPrompt(1);
  return {
    screen,
    type,
    press,
    waitFor: async (text) => {
      await eventually(answerMsMax, screen, (now) => now.includes(text));
    },
    command: async (line) => {
      const count = prompts();
      const from = screen().length;
      type(line);
      await untilPrompt(count + 1);
      return screen().slice(from).split('\n').slice(1, -1).join('\n');
    },
  };
}
