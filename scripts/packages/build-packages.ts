import { execFile } from 'node:child_process';
import { chmod, copyFile, cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { rolldown } from 'rolldown';
import { projectRoot } from '../services/project-root.ts';

const run = promisify(execFile);

/** The npm packages of this repository, by their folders under `packages/`. */
export const packageNames = ['keys', 'cli', 'verifier'] as const;
export type PackageName = (typeof packageNames)[number];

/** A bundled foreign package, as `name@version`. */
export type Bundled = string;

const builders: Record<PackageName, (dist: string) => Promise<Bundled[]>> = {
  keys: compileSdk,
  cli: (dist) => bundleProgram('flowplate', 'src/cli/main.ts', dist),
  verifier: bundleVerifier,
};

export function packageDir(name: PackageName): string {
  return join(projectRoot, 'packages', name);
}

/**
 * Builds a package in its own folder or another one, ready for `npm pack`. Returns the bundled
 * packages.
 */
export async function buildPackage(name: PackageName, directory = packageDir(name)): Promise<Bundled[]> {
  const dist = join(directory, 'dist');
  await rm(dist, { recursive: true, force: true });
  await mkdir(dist, { recursive: true });
  await copyFile(join(projectRoot, 'LICENSE'), join(directory, 'LICENSE'));
  if (directory !== packageDir(name)) {
    for (const file of ['package.json', 'README.md']) {
      await copyFile(join(packageDir(name), file), join(directory, file));
    }
  }
  return builders[name](dist);
}

/**
 * Builds ES modules and CommonJS, each with declarations. TypeScript's node16 resolution rejects
 * `require` of an ES module.
 */
async function compileSdk(dist: string): Promise<Bundled[]> {
  await Promise.all([
    compile(join(dist, 'esm'), ['--module', 'nodenext']),
    compile(join(dist, 'cjs'), ['--module', 'commonjs', '--moduleResolution', 'bundler']),
  ]);
  await writeFile(join(dist, 'cjs/package.json'), '{ "type": "commonjs" }\n');
  return [];
}

function compile(outDir: string, options: readonly string[]) {
  const tsc = join(projectRoot, 'node_modules/typescript-7/bin/tsc');
  const args = [tsc, '--project', 'tsconfig.sdk.json', '--outDir', outDir, ...options];
  return run(process.execPath, args, { cwd: projectRoot }).catch((error: { stdout: string }) => {
    throw new Error(error.stdout);
  });
}

/**
 * Bundles everything into one file: it starts in half the time, and needs no installed packages.
 */
async function bundleProgram(name: string, main: string, dist: string): Promise<Bundled[]> {
  const bundle = await rolldown({
    cwd: projectRoot,
    input: { [name]: main },
    platform: 'node',
    transform: { target: 'node22' },
    logLevel: 'warn',
  });
  const { output } = await bundle.write({
    dir: dist,
    format: 'esm',
    entryFileNames: '[name].mjs',
    banner: '#!/usr/bin/env node',
  });
  await bundle.close();
  await chmod(join(dist, `${name}.mjs`), 0o755);
  const modules = output.flatMap((file) => (file.type === 'chunk' ? file.moduleIds : []));
  const directories = [...new Set(modules.flatMap((module) => foreignDirectory(module) ?? []))].sort();
  const foreign = await Promise.all(directories.map(readForeign));
  const sections = foreign.map(({ bundled, licence }) => `## ${bundled}\n\n${licence.trim()}\n`);
  const title = '# Software in this package that others wrote';
  await writeFile(join(dist, 'NOTICES.md'), `${title}\n\n${sections.join('\n')}`);
  return foreign.map(({ bundled }) => bundled);
}

/** The `.proto` files are read at the start, from beside the bundle. */
async function bundleVerifier(dist: string): Promise<Bundled[]> {
  const protos = join(projectRoot, 'src/local-verifier/ext-authz/protos');
  await cp(protos, join(dist, 'protos'), { recursive: true });
  return bundleProgram('flowplate-verifier', 'src/local-verifier/main.ts', dist);
}

/** Directory of the package: `…/node_modules/@a/b` for `…/node_modules/@a/b/dist/c.js`. */
function foreignDirectory(module: string): string | undefined {
  return /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+/.exec(module)?.[0];
}

/** With its licence, which must be passed on. */
async function readForeign(directory: string): Promise<{ bundled: Bundled; licence: string }> {
  const { name, version, license }: Record<string, string> = JSON.parse(
    await readFile(join(directory, 'package.json'), 'utf8'),
  );
  const bundled = `${name}@${version}`;
  const file = (await readdir(directory)).find((entry) => /^licen[cs]e/i.test(entry));
  if (file !== undefined) return { bundled, licence: await readFile(join(directory, file), 'utf8') };
  if (license === undefined) throw new Error(`${bundled} has no licence`);
  return { bundled, licence: `Licence: ${license}, as its package.json says.` };
}
