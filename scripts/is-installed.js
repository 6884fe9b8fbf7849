// Exits 0 when node_modules holds what package-lock.json says, for instance after a developer's
// `npm install`. Plain JavaScript, because it runs before the Node that reads TypeScript is there.
import { readFileSync } from 'node:fs';

const wanted = packagesOf('package-lock.json');
const installed = packagesOf('node_modules/.package-lock.json');
process.exitCode = Object.keys(wanted).every(isInstalled) ? 0 : 1;

// npm writes its own list of what it installed at the very end, so an interrupted installation has
// none.
function packagesOf(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8')).packages ?? {};
  } catch {
    return {};
  }
}

// Optional packages are mostly for other platforms; which of them belong here only npm knows.
function isInstalled(path) {
  if (path === '') return true;
  const { version, optional } = wanted[path];
  return installed[path] === undefined ? optional === true : installed[path].version === version;
}
