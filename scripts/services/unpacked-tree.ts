import { existsSync } from 'node:fs';
import { readdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import type { AptDownloader } from './apt-download.ts';

/** Unpacks the libraries among the wanted packages and their dependencies that the system lacks. */
export async function unpackLibraries(
  apt: AptDownloader,
  wanted: readonly string[],
  root: string,
): Promise<void> {
  const seen = new Set<string>();
  const queue = [...wanted];
  for (let name = queue.shift(); name !== undefined; name = queue.shift()) {
    if (seen.has(name) || !/^(lib|lua)/.test(name) || (await apt.isInstalled(name))) continue;
    seen.add(name);
    queue.push(...(await apt.unpack(name, root)).depends);
  }
}

/** Library path of a program that was unpacked into `root`; `inside` names further folders. */
export async function libraryPath(root: string, inside: readonly string[] = []): Promise<string> {
  const directories = [];
  for (const top of ['lib', 'usr/lib']) {
    const directory = join(root, top);
    const names = existsSync(directory) ? await readdir(directory) : [];
    const triplets = names.filter((name) => name.includes('-linux-')).map((name) => join(directory, name));
    directories.push(directory, ...triplets);
    directories.push(...triplets.flatMap((at) => inside.map((name) => join(at, name))));
  }
  return directories.join(':');
}

/** Keeps the copy of a faster concurrent caller. */
export async function moveIntoPlace(from: string, to: string): Promise<void> {
  try {
    await rename(from, to);
  } catch (err) {
    const code = (err as NodeJS.ErrnoException).code;
    if (code !== 'ENOTEMPTY' && code !== 'EEXIST') throw err;
  }
}
