import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { completeLock, type LockFile, missingFromLock } from './checks/lock-file.ts';
import { projectRoot } from './services/project-root.ts';

// To be run after `npm install` has changed package-lock.json; scripts/checks/lock-file.ts says why.
const path = join(projectRoot, 'package-lock.json');
const lock = JSON.parse(await readFile(path, 'utf8')) as LockFile;
const missing = missingFromLock(lock);
if (missing.length > 0) await writeFile(path, `${JSON.stringify(completeLock(lock), null, 2)}\n`);
for (const { name, version } of missing) console.log(`added ${name}@${version}`);
