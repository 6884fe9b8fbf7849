import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { checkCommentWidth } from '../../scripts/checks/comment-width.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

test('comments beyond 100 columns are named with their line; code and URLs may be longer', async () => {
  const root = await temporaryDirectory();
  const words = 'word '.repeat(20);
  const url = `https://example.com/${'x'.repeat(100)}`;
  const lines = [
    `// ${words}`,
    `/** ${words}*/`,
    ` * ${words}`,
    `const text = '${words}';`,
    `// ${url}`,
    '// ok',
    `-- ${words}`,
  ];
  await writeFile(join(root, 'a.ts'), lines.join('\n'));
  const { ok, output } = await checkCommentWidth(root, ['a.ts']);
  expect(ok).toBe(false);
  expect(output.split('\n').map((line) => line.split(' ')[0])).toEqual([
    'a.ts:1',
    'a.ts:2',
    'a.ts:3',
    'a.ts:7',
  ]);
});
