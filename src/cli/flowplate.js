#!/usr/bin/env node
// Entry of `npx flowplate`. Plain JavaScript, because the machine's Node.js may be too old for
// TypeScript; it then starts the project's own.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import module from 'node:module';
import { isAbsolute, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ownNode = fileURLToPath(new URL('../../node_modules/.bin/node', import.meta.url));
// Of an older node_modules the project's own Node.js may be too old as well.
const isRelaunched = process.env.FLOWPLATE_RELAUNCHED === '1';
const [major = 0] = process.versions.node.split('.').map(Number);

if (major >= 24) {
  keepCompiled();
  await import('./main.ts');
} else if (existsSync(ownNode) && !isRelaunched) process.exitCode = runWith(ownNode);
else {
  process.stderr.write('flowplate: needs Node.js 24 or newer, or what scripts/prepare installs beside it\n');
  process.exitCode = 1;
}

/**
 * Compile cache: half of a start is the compilation of sixty TypeScript files. In the user's own
 * cache directory, because one in /tmp could be prepared by somebody else (CWE-379).
 */
function keepCompiled() {
  const { XDG_CACHE_HOME: configured = '', HOME: home = '' } = process.env;
  const directory = isAbsolute(configured) ? configured : join(home, '.cache');
  // Node.js would try for ever to create it below /proc, so the directory has to be there.
  if (isAbsolute(directory) && existsSync(directory)) module.enableCompileCache(join(directory, 'flowplate'));
}

function runWith(node) {
  const main = fileURLToPath(import.meta.url);
  const env = { ...process.env, FLOWPLATE_RELAUNCHED: '1' };
  const { status, signal } = spawnSync(node, [main, ...process.argv.slice(2)], { stdio: 'inherit', env });
  if (signal !== null) process.kill(process.pid, signal);
  return status ?? 1;
}
