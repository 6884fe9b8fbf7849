import { existsSync, readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { projectRoot } from '../../scripts/services/project-root.ts';
import { errorCodes } from '../../src/domain/errors.ts';
import { secretKinds } from '../../src/domain/key-format.ts';
import { verdictCodes } from '../../src/domain/verdict.ts';

const read = (file: string) => readFile(join(projectRoot, file), 'utf8');
const guides = readdirSync(join(projectRoot, 'docs', 'guides')).map((name) => `docs/guides/${name}`);
const pages = [
  'README.md',
  ...readdirSync(join(projectRoot, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
  ...guides,
];

test('the README links every guide before its first heading', async () => {
  const [top = ''] = (await read('README.md')).split('\n## ');
  for (const guide of guides) expect(top).toContain(`(${guide})`);
});

describe.each(pages)('%s', (page) => {
  test('every link leads to a file, and to a heading in it', async () => {
    const text = await read(page);
    for (const [, target = ''] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(target)) continue;
      const [path = '', anchor] = target.split('#');
      const file = path === '' ? page : relative(projectRoot, resolve(projectRoot, dirname(page), path));
      expect(existsSync(join(projectRoot, file)), `${page}: ${target}`).toBe(true);
      if (anchor !== undefined) expect(anchorsOf(await read(file)), `${page}: ${target}`).toContain(anchor);
    }
  });
});

test.each(pages)('no command of %s has a secret in it, since a shell keeps a history', async (page) => {
  const commands = [...(await read(page)).matchAll(/^```sh(?! file=).*\n([\s\S]*?)\n```$/gm)];
  for (const [, text] of commands) expect(text).not.toMatch(/flkey_|flplatform_|fl_master_/);
});

test('"Troubleshooting" names only codes that the broker has, and every verdict that refuses', async () => {
  const text = await read('docs/guides/troubleshooting.md');
  const named = new Set([...text.matchAll(/`([A-Z]+(?:_[A-Z]+)+|[A-Z]{7,})`/g)].map(([, code = '']) => code));
  const settings = ['FLOWPLATE_PEPPERS', 'FLOWPLATE_ENV'];
  const known: readonly string[] = [...errorCodes, ...verdictCodes, ...settings];
  expect([...named].filter((code) => !known.includes(code))).toEqual([]);
  const refusals = verdictCodes.filter((code) => code !== 'VALID' && code !== 'SUPERSEDED');
  expect(refusals.filter((code) => !named.has(code))).toEqual([]);
});

test('"Concepts" and its picture have the beginning of every kind of key', async () => {
  const page = await read('docs/guides/concepts.md');
  const picture = await read('docs/pictures/concepts.svg');
  for (const prefix of Object.values(secretKinds)) expect(page).toContain(prefix);
  for (const prefix of ['fl_user_', 'fl_master_', 'flkey_', 'flplatform_']) expect(picture).toContain(prefix);
});

/** As GitHub makes them of headings. */
function anchorsOf(text: string): string[] {
  return [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(' ', '-'),
  );
}
