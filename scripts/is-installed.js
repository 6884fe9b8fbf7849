// Exits 0 when node_modules matches package-lock.json, for instance after a developer's `npm
// install`. Plain JavaScript, because it runs before the pinned Node exists.
import { readFileSync } from 'node:fs';

const wanted = packagesOf('package-lock.json');
const installed = packagesOf('node_modules/.package-lock.json');
process.exitCode = Object.keys(wanted).every(isInstalled) ? 0 : 1;

// npm writes its own list at the very end, so an interrupted installation has none.
function packagesOf(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8')).packages ?? {};
  } catch {
    return {};
  }
}

// Optional packages are mostly for other platforms; only npm knows which ones belong here.
function isInstalled(path) {
  if (path === '') return true;
  const { version, optional } = wanted[path];
  return installed[path] === undefined ? optional === true : installed[path].version === version;
}
