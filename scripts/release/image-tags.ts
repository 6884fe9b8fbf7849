import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Writes the version into the names of our images in the files for Kubernetes. */
export function writeImageTags(root: string, before: string, version: string): void {
  const directory = join(root, 'deploy/kubernetes');
  for (const file of readdirSync(directory, { recursive: true, encoding: 'utf8' })) {
    if (!file.endsWith('.yaml')) continue;
    const path = join(directory, file);
    const text = readFileSync(path, 'utf8');
    const written = text
      .replaceAll(`newTag: ${before}\n`, `newTag: ${version}\n`)
      .replaceAll(`flowplate-verifier:${before}\n`, `flowplate-verifier:${version}\n`);
    if (written !== text) writeFileSync(path, written);
  }
}
