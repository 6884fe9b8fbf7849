import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { patroniCommand, patroniParts } from './patroni-command.ts';
import { toolsDir } from './project-root.ts';
import { runCommand } from './run-command.ts';
import { type DebianProgram, type UnpackedProgram, unpackDebian } from './unpack-debian.ts';

export type ProgramName =
  | 'nginx'
  | 'caddy'
  | 'haproxy'
  | 'curl'
  | 'chromium'
  | 'openssl'
  | 'prometheus'
  | 'promtool'
  | 'etcd'
  | 'pgbouncer'
  | 'postgres15'
  | 'patroni'
  | 'rsyslog';

/** A program, and where Debian installs it if that is not in PATH. */
type WantedProgram = DebianProgram & { installed?: string };

const programs: Record<ProgramName, WantedProgram> = {
  nginx: {
    package: 'nginx',
    path: 'usr/sbin/nginx',
    works: (program) => says(program, ['-V'], /--with-http_auth_request_module/),
  },
  caddy: {
    package: 'caddy',
    path: 'usr/bin/caddy',
    // forward_auth exists since 2.5.1.
    works: (program) => says(program, ['version'], /^v?2\.(5\.[1-9]|[6-9]|[1-9]\d)/m),
  },
  curl: {
    package: 'curl',
    path: 'usr/bin/curl',
    works: (program) => says(program, ['--version'], /^curl /),
  },
  chromium: {
    // The headless browser: a third of the libraries are not needed.
    package: 'chromium-headless-shell',
    parts: ['chromium-common'],
    privateLibraries: ['pulseaudio'],
    path: 'usr/lib/chromium/chromium-headless-shell',
    works: (program) => says(program, ['--no-sandbox', '--version'], /Chrom/),
  },
  openssl: {
    package: 'openssl',
    path: 'usr/bin/openssl',
    works: (program) => says(program, ['version'], /^OpenSSL 3/),
  },
  prometheus: {
    package: 'prometheus',
    path: 'usr/bin/prometheus',
    works: (program) => says(program, ['--version'], /^prometheus, version [2-9]/),
  },
  promtool: {
    package: 'prometheus',
    path: 'usr/bin/promtool',
    works: (program) => says(program, ['--version'], /^promtool, version [2-9]/),
  },
  etcd: {
    package: 'etcd-server',
    path: 'usr/bin/etcd',
    works: (program) => says(program, ['--version'], /^etcd Version: 3/m),
  },
  pgbouncer: {
    package: 'pgbouncer',
    path: 'usr/sbin/pgbouncer',
    installed: '/usr/sbin/pgbouncer',
    works: (program) => says(program, ['--version'], /^PgBouncer 1\./m),
  },
  // Patroni needs pg_basebackup, pg_rewind and more beside it, which npm's package does not have.
  postgres15: {
    package: 'postgresql-15',
    parts: ['postgresql-client-15'],
    path: 'usr/lib/postgresql/15/bin/postgres',
    installed: '/usr/lib/postgresql/15/bin/postgres',
    works: async (program) =>
      (await says(program, ['--version'], /PostgreSQL\) 15/)) &&
      (await says(beside(program, 'pg_rewind'), ['--version'], /PostgreSQL\) 15/)) &&
      (await says(beside(program, 'pg_basebackup'), ['--version'], /PostgreSQL\) 15/)),
  },
  patroni: {
    package: 'patroni',
    parts: patroniParts,
    path: 'usr/bin/patroni',
    installed: '/usr/bin/patroni',
    works: (program) => runsPatroni(program),
  },
  rsyslog: {
    package: 'rsyslog',
    parts: ['rsyslog-openssl'],
    path: 'usr/sbin/rsyslogd',
    installed: '/usr/sbin/rsyslogd',
    works: async (program) =>
      (await says(program, ['-v'], /^rsyslogd\s+8\./m)) &&
      existsSync(join(rsyslogModules(program), 'lmnsd_ossl.so')),
  },
  haproxy: {
    package: 'haproxy',
    path: 'usr/sbin/haproxy',
    works: (program) => says(program, ['-vv'], /^Built with Lua/m),
  },
};

/** The program from PATH if it is suitable, else unpacked from its Debian package. */
export async function findProgram(name: ProgramName): Promise<UnpackedProgram> {
  const wanted = programs[name];
  const onPath = { path: wanted.installed ?? name, env: {} };
  if (await wanted.works(onPath)) return onPath;
  return await unpackDebian(wanted, toolsDir).catch((cause: unknown) => {
    throw new Error(`${name} is missing: install it (${(cause as Error).message})`, { cause });
  });
}

/** Folder of rsyslog's modules, beside the folder of the program. */
export function rsyslogModules({ path }: UnpackedProgram): string {
  return join(dirname(path), `../lib/${debianArchitecture}/rsyslog`);
}

/** Debian's name for the machine's kind, in the paths of libraries. */
const debianArchitecture = process.arch === 'arm64' ? 'aarch64-linux-gnu' : 'x86_64-linux-gnu';

function beside({ path, env }: UnpackedProgram, name: string): UnpackedProgram {
  return { path: join(dirname(path), name), env };
}

/** Runs the program, which also proves that its libraries exist. */
async function says(program: UnpackedProgram, args: readonly string[], what: RegExp): Promise<boolean> {
  const env = { ...process.env, ...program.env };
  const { exitCode, stdout, stderr } = await runCommand([program.path, ...args], { env });
  return exitCode === 0 && what.test(stdout + stderr);
}

async function runsPatroni(program: UnpackedProgram): Promise<boolean> {
  const { command, env } = patroniCommand(program);
  const result = await runCommand([...command, '--version'], { env: { ...process.env, ...env } });
  return result.exitCode === 0 && /^patroni [3-9]/m.test(result.stdout);
}
