import { spawn } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { stripVTControlCharacters } from 'node:util';
import { expect } from 'vitest';
import type { Desk } from './desk.ts';
import { type Block, blocksOf, fileOf } from './page-blocks.ts';

/** The password that a reader types wherever one is asked for. */
const password = 'seven purple otters 3042';

/** A page may show a step twice, as `sh cli` and as `sh curl`. A reader takes one way. */
export type Way = 'cli' | 'curl';

/**
 * Follows a guide literally: saves its files, runs its commands in order in one shell in the
 * checkout, and compares what they print with what the page shows. A command that fails is a fault.
 */
export async function followGuide(desk: Desk, page: string, way: Way = 'cli'): Promise<void> {
  const blocks = await blocksOf(page);
  const isOnTheWay = ({ language, words }: Block) => language === 'sh' && (words[0] ?? way) === way;
  const commands = blocks.filter(isOnTheWay);
  expect(commands.length, page).toBeGreaterThan(0);
  for (const block of blocks) expectKnown(page, block);
  for (const block of blocks) await save(desk, block);
  const printed = await run(desk, page, commands);
  for (const [command, expected] of outputs(blocks)) {
    const index = commands.indexOf(command);
    if (index >= 0) expectOutput(printed[index] ?? '', expected, `${page}:${command.line}`);
  }
}

/** So that no block of a page is left out by a typing error in its first line. */
function expectKnown(page: string, block: Block): void {
  const { language, words, text, line } = block;
  const place = `${page}:${line}`;
  if (fileOf(block) !== undefined) return;
  const kind = [language, ...words].join(' ');
  expect(kind, place).toMatch(/^(sh|sh cli|sh curl|sh broker|sh docker|text|text output|json output)$/);
  if (kind === 'sh broker') expect(text, place).toBe('scripts/start');
}

async function save(desk: Desk, block: Block): Promise<void> {
  const name = fileOf(block);
  if (name === undefined) return;
  const path = join(desk.checkout, name);
  await mkdir(dirname(path), { recursive: true });
  // A name that another block has is an error.
  await writeFile(path, `${block.text}\n`, { flag: 'wx' });
}

/** Each command block with the output that the page shows below it. */
function outputs(blocks: readonly Block[]): [Block, Block][] {
  return blocks.flatMap((block, index): [Block, Block][] => {
    const before = blocks.slice(0, index).findLast(({ language }) => language === 'sh');
    return block.words.includes('output') && before !== undefined ? [[before, block]] : [];
  });
}

/** An ellipsis stands for any text, and spaces for any spaces. JSON is compared by its members. */
function expectOutput(printed: string, { language, text: shown }: Block, place: string): void {
  if (language === 'json') expect(JSON.parse(printed), place).toEqual(likeShown(JSON.parse(shown)));
  else expect(printed, place).toMatch(patternOf(shown));
}

function likeShown(shown: unknown): unknown {
  if (shown === '…') return expect.anything();
  if (typeof shown === 'string' && shown.includes('…')) return expect.stringMatching(patternOf(shown));
  if (Array.isArray(shown)) return shown.map(likeShown);
  if (typeof shown !== 'object' || shown === null) return shown;
  return Object.fromEntries(Object.entries(shown).map(([name, value]) => [name, likeShown(value)]));
}

function patternOf(shown: string): RegExp {
  const literal = (word: string) => word.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
  const parts = shown.split('…').map((part) => part.trim().split(/\s+/).map(literal).join('\\s+'));
  return new RegExp(`^\\s*${parts.join('\\s*[\\s\\S]*?\\s*')}\\s*$`);
}

const separator = '--- end of a block ---';

/**
 * Runs the blocks in one shell, so that variables and background processes last from one to the
 * next, in a pseudo-terminal (`script`, util-linux), since programs ask for passwords only there.
 */
async function run(desk: Desk, page: string, commands: readonly Block[]): Promise<string[]> {
  const script = join(desk.checkout, `${page}.sh`);
  const lines = commands.map(({ text }) => `${text}\necho '${separator}'`);
  const endsAll = "trap 'kill $(jobs -p) 2>/dev/null || true; wait' EXIT";
  await writeFile(script, ['set -eu', 'stty cols 250', endsAll, ...lines, ''].join('\n'));
  const shell = spawn(
    'script',
    ['--quiet', '--return', '--flush', '--command', `bash '${script}'`, '/dev/null'],
    {
      cwd: desk.checkout,
      env: desk.env,
      stdio: ['pipe', 'pipe', 'inherit'],
    },
  );
  shell.stdout.on('data', (piece: Buffer) => {
    if (/password[^\n]*: $/i.test(piece.toString())) shell.stdin.write(`${password}\r`);
  });
  const exited = new Promise<number | null>((resolve) => shell.once('close', resolve));
  const screen = stripVTControlCharacters(await text(shell.stdout)).replaceAll('\r', '');
  expect(await exited, `${page}: the commands failed:\n${screen}`).toBe(0);
  return screen.split(`${separator}\n`);
}
