import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { projectRoot } from '../../scripts/services/project-root.ts';

/** `file > part of a name` in the last column; a row that no test shows says `none`. */
const shownBy = /\| (?:`([^`]+)` > ([^|]+)|none) \|$/;

test('every row of docs/security.md names a test that is there', async () => {
  const page = await readFile(join(projectRoot, 'docs/security.md'), 'utf8');
  const rows = page.split('\n').filter((line) => line.startsWith('| ') && !/shown by \|$/.test(line));
  expect(rows.length).toBeGreaterThan(40);
  for (const row of rows) {
    const [, file, name = ''] = shownBy.exec(row) ?? expect.fail(`no test in: ${row}`);
    if (file === undefined) continue;
    const source = await readFile(join(projectRoot, 'test', file), 'utf8');
    expect(source.includes(name.trim()), `${file} has a test "${name.trim()}"`).toBe(true);
  }
});
