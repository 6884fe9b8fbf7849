import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { billOfMaterials } from './packages/bill-of-materials.ts';
import { buildPackage, type PackageName, packageDir, packageNames } from './packages/build-packages.ts';
import { packPackage } from './packages/pack-package.ts';
import { releaseChangelog } from './release/changelog.ts';
import { writeImageTags } from './release/image-tags.ts';
import { requireLaterVersion } from './release/version.ts';
import { projectRoot } from './services/project-root.ts';

/**
 * `npm run release -- 1.2.3`: writes the version into manifests and changelog, packs the packages
 * into `dist/1.2.3/` with bills of materials and checksums, commits and tags. It publishes nothing,
 * and prints the commands that do.
 */
async function release(version: string): Promise<void> {
  requireLaterVersion(version, manifestOf(projectRoot).version);
  if (git('status', '--porcelain') !== '') throw new Error('there are changes that are not committed');
  const directory = join(projectRoot, 'dist', version);
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true });
  try {
    const section = writeVersion(version);
    const files: string[] = [];
    for (const name of packageNames) files.push(...(await packageFiles(name, directory)));
    writeFileSync(join(directory, 'SHA256SUMS'), files.map(checksumLine).join(''));
    writeFileSync(join(directory, 'NOTES.md'), `${section}\n`);
    git('commit', '--quiet', '--all', '--message', `release: ${version}`);
    git('tag', '--annotate', `v${version}`, '--cleanup=verbatim', '--message', `${version}\n\n${section}\n`);
  } catch (error) {
    git('checkout', '--quiet', '--', '.');
    throw error;
  }
  console.log(`${version} is committed and tagged. To publish it:`);
  console.log(`  git push --follow-tags`);
  for (const name of packageNames) console.log(`  npm publish dist/${version}/${tarballOf(name, version)}`);
}

/**
 * Writes the version into every manifest, the names of images and the changelog; returns the
 * changelog section.
 */
function writeVersion(version: string): string {
  writeImageTags(projectRoot, manifestOf(projectRoot).version, version);
  for (const directory of [projectRoot, ...packageNames.map(packageDir)]) {
    execFileSync('npm', ['version', version, '--no-git-tag-version'], { cwd: directory, stdio: 'ignore' });
  }
  const path = join(projectRoot, 'CHANGELOG.md');
  const day = new Date().toISOString().slice(0, 10);
  const { changelog, section } = releaseChangelog(readFileSync(path, 'utf8'), version, day);
  writeFileSync(path, changelog);
  return section;
}

/** Tarball of a package, and its bill of materials. */
async function packageFiles(name: PackageName, directory: string): Promise<string[]> {
  const bundled = await buildPackage(name);
  const tarball = await packPackage(packageDir(name), directory);
  const bill = tarball.replace(/\.tgz$/, '.cdx.json');
  writeFileSync(bill, await billOfMaterials(manifestOf(packageDir(name)), bundled));
  return [tarball, bill];
}

/** A line in the format of `sha256sum --check`. */
function checksumLine(file: string): string {
  return `${createHash('sha256').update(readFileSync(file)).digest('hex')}  ${basename(file)}\n`;
}

function tarballOf(name: PackageName, version: string): string {
  return `flowplate-${name}-${version}.tgz`;
}

function manifestOf(directory: string): { name: string; version: string; license: string } {
  return JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8'));
}

function git(...args: string[]): string {
  return execFileSync('git', args, { cwd: projectRoot, encoding: 'utf8' });
}

const [version = ''] = process.argv.slice(2);
try {
  await release(version);
} catch (error) {
  console.error(`release: ${(error as Error).message}`);
  process.exitCode = 1;
}
