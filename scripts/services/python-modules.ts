import { toolsDir } from './project-root.ts';
import { runCommand } from './run-command.ts';
import { type UnpackedProgram, unpackDebian } from './unpack-debian.ts';

/** Debian's packages of a Python module: its own first, then what it imports. */
const packages = {
  requests: [
    'python3-requests',
    'python3-urllib3',
    'python3-certifi',
    'python3-charset-normalizer',
    'python3-chardet',
    'python3-idna',
    'python3-six',
  ],
  httpx: [
    'python3-httpx',
    'python3-httpcore',
    'python3-h11',
    'python3-anyio',
    'python3-sniffio',
    'python3-rfc3986',
    'python3-certifi',
    'python3-idna',
  ],
  pip: ['python3-pip'],
  setuptools: ['python3-setuptools', 'python3-pkg-resources'],
  wheel: ['python3-wheel'],
} as const;

export type PythonModule = keyof typeof packages;

/**
 * `PYTHONPATH` with which the machine's `python3` finds the module: empty where it is installed,
 * else a folder unpacked from Debian's packages.
 */
export async function pythonPath(module: PythonModule): Promise<string> {
  if (await imports(module, '')) return '';
  const [first, ...parts] = packages[module];
  const wanted = {
    package: first,
    parts,
    path: 'usr/lib/python3/dist-packages',
    works: ({ path }: UnpackedProgram) => imports(module, path),
  };
  const { path } = await unpackDebian(wanted, toolsDir).catch((cause: unknown) => {
    const missing = `python3 with the module ${module} is missing: install both`;
    throw new Error(`${missing} (${(cause as Error).message})`, { cause });
  });
  return path;
}

async function imports(module: PythonModule, path: string): Promise<boolean> {
  const env = { ...process.env, PYTHONPATH: path };
  return (await runCommand(['python3', '-c', `import ${module}`], { env })).exitCode === 0;
}
