import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { linkLibraries } from '../../scripts/services/postgres-binaries.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

test('library links that an npm without install scripts left out are made, also by two starts at once', async () => {
  const native = join(await temporaryDirectory(), 'native');
  await mkdir(join(native, 'lib'), { recursive: true });
  await writeFile(join(native, 'lib', 'libpq.so.5.18'), 'library');
  const links = [
    { source: 'native/lib/libpq.so.5.18', target: 'native/lib/libpq.so.5' },
    { source: 'native/lib/libpq.so.5.18', target: 'native/lib/libpq.so' },
  ];
  await writeFile(join(native, 'pg-symlinks.json'), JSON.stringify(links));

  await Promise.all([linkLibraries(native), linkLibraries(native)]);
  for (const name of ['libpq.so.5', 'libpq.so']) {
    expect(await readFile(join(native, 'lib', name), 'utf8')).toBe('library');
  }
});
