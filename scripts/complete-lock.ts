import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  completeLock,
  type LockFile,
  lockFiles,
  missingFromLock,
  toText,
  withoutIntegrity,
} from './checks/lock-file.ts';
import { projectRoot } from './services/project-root.ts';
import { lastLine, runCommand } from './services/run-command.ts';

// Run it after `npm install` has changed a package-lock.json; scripts/checks/lock-file.ts has the
// reason.
for (const file of lockFiles) {
  const path = join(projectRoot, file);
  const lock = JSON.parse(await readFile(path, 'utf8')) as LockFile;
  const [missing, bare] = [missingFromLock(lock), withoutIntegrity(lock)];
  if (missing.length + bare.length === 0) continue;
  await writeFile(path, `${JSON.stringify(await completeLock(lock, findIntegrity), null, 2)}\n`);
  for (const named of missing) console.log(`added ${toText(named)} to ${file}`);
  for (const named of bare) console.log(`added the integrity of ${toText(named)} to ${file}`);
}

/** Asks the registry of npm's configuration. */
async function findIntegrity(named: { name: string; version: string }): Promise<string> {
  const { stdout, stderr } = await runCommand(['npm', 'view', toText(named), 'dist.integrity']);
  const integrity = stdout.trim();
  if (/^sha512-[\w+/]{86}==$/.test(integrity)) return integrity;
  throw new Error(`The registry has no SHA-512 integrity of ${toText(named)}: ${lastLine(stderr)}`);
}
