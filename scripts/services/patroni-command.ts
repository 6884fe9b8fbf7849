import { join } from 'node:path';
import type { UnpackedProgram } from './unpack-debian.ts';

/** Debian's Python, which its packages of modules are built for. */
const python = '/usr/bin/python3';

/** The modules that Patroni imports with etcd, and the libraries of those that are no Python. */
export const patroniParts: readonly string[] = [
  'python3-cdiff',
  'python3-click',
  'python3-colorama',
  'python3-dateutil',
  'python3-dnspython',
  'python3-etcd',
  'python3-pkg-resources',
  'python3-prettytable',
  'python3-psutil',
  'python3-psycopg2',
  'python3-six',
  'python3-urllib3',
  'python3-wcwidth',
  'python3-yaml',
  'libpq5',
  'libyaml-0-2',
];

/** How Patroni is run from where it was unpacked: with its own modules before the system's. */
export function patroniCommand({ path, env }: UnpackedProgram): {
  command: string[];
  env: Record<string, string>;
} {
  const modules = join(path, '..', '..', 'lib', 'python3', 'dist-packages');
  return { command: [python, path], env: { ...env, PYTHONPATH: modules } };
}
