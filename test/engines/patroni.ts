import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { findProgram } from '../../scripts/services/debian-programs.ts';
import { patroniCommand } from '../../scripts/services/patroni-command.ts';
import type { ServerProcess } from '../../scripts/services/server-process.ts';
import type { UnpackedProgram } from '../../scripts/services/unpack-debian.ts';
import { atEnd } from '../support/at-end.ts';
import { type DroppingProxy, startDroppingProxy } from '../support/dropping-proxy.ts';
import { eventually } from '../support/eventually.ts';
import { query } from '../support/query.ts';
import { quietPort } from '../support/quiet-port.ts';
import { type EngineHome, makeHome, startEngine } from './engine.ts';

/** Seconds. Patroni wants `ttl` to be at least `loop_wait` and twice `retry_timeout`. */
const patroniTimes = { ttl: 10, loop_wait: 1, retry_timeout: 3 };

/** A node: Patroni and its Postgres. */
export type PatroniNode = {
  name: string;
  /** The superuser's URL of its Postgres, whatever its part is. */
  url: string;
  port: number;
  /** `kill -9` of Patroni, of its Postgres and of all backends, as when the machine loses power. */
  kill(): Promise<void>;
  /** `kill -9` of Patroni alone: its Postgres lives on, and does not know that it was replaced. */
  killPatroni(): Promise<void>;
  /** Stops Patroni as a paused machine does, and returns what wakes it. Its Postgres goes on. */
  freezePatroni(): () => void;
  /** Starts both again on the same data. */
  start(): Promise<void>;
};

export type PatroniCluster = {
  nodes: readonly PatroniNode[];
  /** Once there is one, and a standby without which no commit is answered. */
  whenPaired(): Promise<{ leader: PatroniNode; standby: PatroniNode }>;
  /** Asks Patroni to hand over to the standby. */
  switchOver(): Promise<void>;
  killEtcd(): Promise<void>;
  startEtcd(): Promise<void>;
  /** Between the two Postgres servers; each still reaches etcd, and clients reach both. */
  cutNetwork(): void;
  mendNetwork(): void;
  /** HAProxy's port, which leads to the leader. */
  port: number;
};

const pairedMsMax = 90_000;

/**
 * Two nodes of Patroni with a synchronous standby, one etcd, and HAProxy in front, which asks
 * Patroni who the leader is.
 */
export async function startPatroniCluster(): Promise<PatroniCluster> {
  const etcd = await startEtcd();
  const programs = { patroni: await findProgram('patroni'), postgres: await findProgram('postgres15') };
  const first = await makeNode('n1', etcd.port, programs);
  const second = await makeNode('n2', etcd.port, programs);
  await first.start();
  await second.start();
  const nodes = [first, second];
  const whenPaired = () => findPair(nodes);
  await whenPaired();
  return {
    nodes,
    whenPaired,
    switchOver: async () => {
      const { leader, standby } = await whenPaired();
      const { restPort } = nodes.find((node) => node === leader) as Node;
      const answer = await fetch(`http://127.0.0.1:${restPort}/switchover`, {
        method: 'POST',
        body: JSON.stringify({ leader: leader.name, candidate: standby.name }),
      });
      if (answer.status !== 200) throw new Error(`switchover: ${answer.status} ${await answer.text()}`);
    },
    killEtcd: etcd.kill,
    startEtcd: etcd.start,
    cutNetwork: () => {
      for (const way of nodes.flatMap(({ ways }) => ways)) way.drop();
    },
    mendNetwork: () => {
      for (const way of nodes.flatMap(({ ways }) => ways)) way.restore();
    },
    port: await startHaproxy(nodes),
  };
}

async function findPair(nodes: readonly Node[]): Promise<{ leader: Node; standby: Node }> {
  const find = async () => {
    const parts = await Promise.all(
      nodes.map(async (node) => ({
        node,
        leads: await answers(node.restPort, '/primary'),
        isSynchronous: await answers(node.restPort, '/sync'),
      })),
    );
    const leader = parts.find(({ leads }) => leads)?.node;
    const standby = parts.find(({ isSynchronous }) => isSynchronous)?.node;
    if (leader === undefined || standby === undefined || !(await streams(leader))) return undefined;
    return { leader, standby };
  };
  const pair = await eventually(pairedMsMax, find, (found) => found !== undefined);
  return pair as { leader: Node; standby: Node };
}

/** Patroni names the standby a moment before Postgres waits for it. */
async function streams(leader: PatroniNode): Promise<boolean> {
  const synchronous = "SELECT 1 FROM pg_stat_replication WHERE sync_state = 'sync' AND state = 'streaming'";
  return query(leader.url, synchronous).then(
    (rows) => rows.length > 0,
    () => false,
  );
}

async function answers(restPort: number, path: string): Promise<boolean> {
  const signal = AbortSignal.timeout(2_000);
  return fetch(`http://127.0.0.1:${restPort}${path}`, { signal }).then(
    async (answer) => {
      await answer.text();
      return answer.status === 200;
    },
    () => false,
  );
}

async function startEtcd() {
  const program = await findProgram('etcd');
  const home = await makeHome(program);
  const [port, peerPort] = [await quietPort(), await quietPort()];
  const clients = `http://127.0.0.1:${port}`;
  const peers = `http://127.0.0.1:${peerPort}`;
  const flags = {
    'data-dir': home.at('etcd'),
    'listen-client-urls': clients,
    'advertise-client-urls': clients,
    'listen-peer-urls': peers,
    'initial-advertise-peer-urls': peers,
    'initial-cluster': `default=${peers}`,
  };
  const command = [program.path, ...Object.entries(flags).map(([name, value]) => `--${name}=${value}`)];
  const isReady = () => answers(port, '/health');
  const start = () => startEngine({ name: 'etcd', command, env: program.env, home, isReady });
  let server = await start();
  return {
    port,
    kill: () => killHard(server),
    start: async () => {
      server = await start();
    },
  };
}

type Programs = { patroni: UnpackedProgram; postgres: UnpackedProgram };
type Node = PatroniNode & { restPort: number; ways: readonly DroppingProxy[] };

const password = 'only-on-this-machine';

async function makeNode(name: string, etcdPort: number, programs: Programs): Promise<Node> {
  const home = await makeHome(programs.postgres);
  const [port, restPort] = [await quietPort(), await quietPort()];
  // The other node comes by these, so that a test can cut them.
  const [toPostgres, toRest] = [await startDroppingProxy(port), await startDroppingProxy(restPort)];
  const settings = await home.write(
    `${name}.json`,
    JSON.stringify({
      scope: 'flowplate',
      name,
      restapi: { listen: `127.0.0.1:${restPort}`, connect_address: `127.0.0.1:${toRest.port}` },
      etcd3: { hosts: `127.0.0.1:${etcdPort}` },
      bootstrap: bootstrap(),
      postgresql: {
        listen: `127.0.0.1:${port}`,
        connect_address: `127.0.0.1:${toPostgres.port}`,
        data_dir: home.at('data'),
        bin_dir: dirname(programs.postgres.path),
        pgpass: home.at('pgpass'),
        authentication: {
          superuser: { username: 'postgres', password },
          replication: { username: 'replicator', password },
          rewind: { username: 'rewinder', password },
        },
        parameters: { unix_socket_directories: '' },
      },
    }),
  );
  const { command, env } = patroniCommand(programs.patroni);
  let patroni: ServerProcess | undefined;
  const killPatroni = async () => {
    if (patroni !== undefined) await killHard(patroni);
  };
  const kill = async () => {
    await killPatroni();
    await killPostgres(home);
  };
  // What Patroni left running, if it did not end in time.
  atEnd(() => killPostgres(home));
  return {
    name,
    port,
    restPort,
    ways: [toPostgres, toRest],
    url: `postgres://postgres:${password}@127.0.0.1:${port}/postgres`,
    kill,
    killPatroni,
    freezePatroni: () => {
      const frozen = patroni;
      frozen?.kill('SIGSTOP');
      const wake = () => frozen?.kill('SIGCONT');
      atEnd(wake);
      return wake;
    },
    start: async () => {
      patroni = await startEngine({
        name,
        command: [...command, settings],
        env: { ...programs.postgres.env, ...env },
        home,
        isReady: () => answers(restPort, '/liveness'),
      });
    },
  };
}

function bootstrap() {
  return {
    dcs: {
      ...patroniTimes,
      synchronous_mode: true,
      postgresql: {
        use_pg_rewind: true,
        parameters: {
          max_connections: 200,
          shared_buffers: '32MB',
          hot_standby: 'on',
          wal_level: 'replica',
          wal_log_hints: 'on',
          wal_keep_size: '64MB',
          max_wal_senders: 5,
          // A cut connection is noticed after this and not after a minute.
          wal_sender_timeout: '3s',
          wal_receiver_timeout: '3s',
        },
      },
    },
    initdb: [{ encoding: 'UTF8' }, { locale: 'C' }, 'data-checksums'],
    pg_hba: ['host all all 127.0.0.1/32 scram-sha-256', 'host replication all 127.0.0.1/32 scram-sha-256'],
  };
}

async function killHard(server: ServerProcess): Promise<void> {
  server.kill('SIGKILL');
  await server.exited;
}

/** The postmaster and its children: a backend would outlive it for a moment, and answer. */
async function killPostgres(home: EngineHome): Promise<void> {
  const pidFile = `${home.at('data')}/postmaster.pid`;
  if (!existsSync(pidFile)) return;
  const postmaster = Number((await readFile(pidFile, 'utf8')).split('\n')[0]);
  if (!(await isPostgresOf(postmaster, home))) return;
  for (const pid of [postmaster, ...(await childrenOf(postmaster))]) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch (fault) {
      if ((fault as NodeJS.ErrnoException).code !== 'ESRCH') throw fault;
    }
  }
  await eventually(
    10_000,
    () => existsSync(`/proc/${postmaster}`),
    (isThere) => !isThere,
  );
}

/** The number in a file of a server that was killed may be another process's by now. */
async function isPostgresOf(pid: number, home: EngineHome): Promise<boolean> {
  const commandLine = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
  return commandLine.includes(home.at('data'));
}

async function childrenOf(parent: number): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const children = await Promise.all(
    pids.map(async (pid) => {
      const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
      // `pid (name) state parent`: the name may hold blanks and brackets.
      return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1] === String(parent) ? [Number(pid)] : [];
    }),
  );
  return children.flat();
}

async function startHaproxy(nodes: readonly Node[]): Promise<number> {
  const program = await findProgram('haproxy');
  const home = await makeHome(program, '-v');
  const port = await quietPort();
  const servers = nodes.map(
    ({ name, port: at, restPort }) => `  server ${name} 127.0.0.1:${at} check port ${restPort}`,
  );
  const settings = await home.write(
    'haproxy.cfg',
    `defaults
  mode tcp
  timeout connect 2s
  timeout client 30m
  timeout server 30m

listen postgres
  bind 127.0.0.1:${port}
  option httpchk GET /primary
  http-check expect status 200
  default-server inter 500ms fall 2 rise 1 on-marked-down shutdown-sessions
${servers.join('\n')}
`,
  );
  const url = `postgres://postgres:${password}@127.0.0.1:${port}/postgres`;
  const isLeader = () =>
    query(url, 'SELECT pg_is_in_recovery() AS is_standby').then(
      ([row]) => row?.is_standby === false,
      () => false,
    );
  // Each server is up until it was asked, and takes its turn. Later there is only the leader.
  const isReady = async () => {
    for (let turn = 0; turn < 2 * nodes.length; turn++) if (!(await isLeader())) return false;
    return true;
  };
  await startEngine({
    name: 'haproxy',
    command: [program.path, '-db', '-f', settings],
    env: program.env,
    home,
    isReady,
  });
  return port;
}
