import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { completeLock, type LockFile, lockFiles, missingFromLock } from './checks/lock-file.ts';
import { projectRoot } from './services/project-root.ts';

// To be run after `npm install` has changed a package-lock.json; scripts/checks/lock-file.ts says why.
for (const file of lockFiles) {
  const path = join(projectRoot, file);
  const lock = JSON.parse(await readFile(path, 'utf8')) as LockFile;
  const missing = missingFromLock(lock);
  if (missing.length > 0) await writeFile(path, `${JSON.stringify(completeLock(lock), null, 2)}\n`);
  for (const { name, version } of missing) console.log(`added ${name}@${version} to ${file}`);
}
