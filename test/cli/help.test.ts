import { execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import type { Command } from 'commander';
import { afterAll, describe, expect, test } from 'vitest';
import { createProgram } from '../../src/cli/program.ts';
import { endAll } from '../support/at-end.ts';
import { launcher, openDesk } from './flowplate.ts';

const run = promisify(execFile);

afterAll(endAll);

function commandsBelow(command: Command, path: string[] = []): { command: Command; path: string[] }[] {
  const below = command.commands
    .filter((child) => !['complete', 'function', 'functions'].includes(child.name()))
    .flatMap((child) => commandsBelow(child, [...path, child.name()]));
  return [{ command, path }, ...below];
}

const commands = commandsBelow(createProgram());

test('every command says with --help what it does, and shows an example that begins like it', async () => {
  expect(commands.length).toBeGreaterThan(50);
  for (const { command, path } of commands) {
    const help: string[] = [];
    command.configureOutput({ writeOut: (piece) => help.push(piece) });
    command.outputHelp();
    const said = help.join('');
    expect(command.description(), path.join(' ')).not.toBe('');
    expect(said, path.join(' ')).toMatch(/\nExamples?:\n {2}\$ \S/);
    expect(said, path.join(' ')).toContain('--json');
    const examples = [...said.matchAll(/^ {2}\$ (.+)$/gm)].map(([, line = '']) => line);
    // A default command is typed without its name, and --as-org may stand before any.
    const hasDefault = path.includes('audit') || path.includes('traffic');
    const words = path.filter((word) => word !== 'list' || !hasDefault);
    for (const line of path.length < 2 ? [] : examples) {
      expect(line.replace(/--as-org \S+ /, ''), path.join(' ')).toContain(words.join(' '));
    }
  }
});

test('no option takes a secret', () => {
  for (const { command, path } of commands) {
    for (const option of command.options) {
      const takesValue = option.required || option.optional;
      const isSecret = /password|secret|token|api-?key|master-?key/.test(option.long ?? '');
      expect(takesValue && isSecret, `${path.join(' ')} ${option.flags}`).toBe(false);
    }
  }
});

describe('completion', () => {
  test.each(['bash', 'zsh', 'fish'])('there is a script for %s, which the shell can read', async (shell) => {
    const desk = await openDesk('http://127.0.0.1:9');
    const { stdout, exitCode } = await desk.run(['completion', shell]);
    expect([exitCode, stdout.length > 500]).toEqual([0, true]);
    const checker = (process.env.PATH ?? '').split(delimiter).some((path) => existsSync(join(path, shell)));
    if (!checker) return;
    const reader = spawn(shell, ['-n'], { stdio: ['pipe', 'ignore', 'pipe'] });
    reader.stdin.end(stdout);
    expect(await text(reader.stderr)).toBe('');
  });

  test('words are completed: commands, their commands and their options', async () => {
    const desk = await openDesk('http://127.0.0.1:9');
    const complete = async (...words: string[]) =>
      (await desk.run(['complete', '--', ...words])).stdout
        .split('\n')
        .map((line) => line.split('\t')[0])
        .filter((word) => word !== '' && !word?.startsWith(':'));
    expect(await complete('pl')).toEqual(['platform']);
    expect(await complete('platform', 'tenants', 'pro')).toEqual(['provision']);
    expect(await complete('apikey', 'create', 'x', '--sc')).toEqual(['--scopes']);
  });
});

test('it starts with any Node.js that the PATH leads to, and with the version of the project', async () => {
  const directories = new Set((process.env.PATH ?? '').split(delimiter));
  const nodes = [...directories].map((directory) => join(directory, 'node')).filter(existsSync);
  expect(nodes.length).toBeGreaterThan(0);
  for (const node of nodes) {
    const { stdout } = await run(node, [launcher, '--version']);
    expect(stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
    const failed = await run(node, [launcher, 'nonsense']).catch((error: { code: number }) => error);
    expect(failed).toMatchObject({ code: 2 });
  }
});
