import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { dieWithParent } from '../../scripts/services/die-with-parent.ts';
import { findRedisServer } from '../../scripts/services/redis-server.ts';
import { startServerProcess } from '../../scripts/services/server-process.ts';
import { atEnd } from '../support/at-end.ts';
import { eventually } from '../support/eventually.ts';
import { quietPort } from '../support/quiet-port.ts';
import { connect, type Member, newGroup, startMembers } from './redis-servers.ts';

const startMs = 20_000;
const stopMs = 3_000;

export type TestSentinels = {
  url: string;
  /** Of one of the sentinels. */
  sentinelPort: number;
  password: string;
  members: Member[];
  master(): Promise<Member>;
  /** Waits until the other one follows a master. */
  replicaOf(master: Member): Promise<unknown>;
};

/**
 * A master, a replica and three sentinels that ask for a password, on free ports of this machine. A
 * master that does not answer for a second is replaced.
 */
export async function startSentinels(settings: Record<string, string> = {}): Promise<TestSentinels> {
  const group = await newGroup();
  const members = await startMembers(2, group, async () => ({
    'repl-diskless-sync-delay': '0',
    ...settings,
  }));
  const [first, second] = members as [Member, Member];
  await second.admin.replicaof(first.host, first.port);
  const link = () => second.admin.info('replication');
  await eventually(startMs, link, (info) => info.includes('master_link_status:up'));
  const ports = await Promise.all([0, 1, 2].map((index) => startSentinel(group, index, first.port)));
  const sentinels = ports.map((port) => connect(port, group.password));
  const known = () =>
    Promise.all(sentinels.map((one) => one.call('SENTINEL', 'CKQUORUM', 'main').catch(String)));
  await eventually(startMs, known, (answers) => answers.every((answer) => /3 usable/.test(String(answer))));
  const servers = ports.map((port) => `127.0.0.1:${port}`).join(',');
  return {
    url: `redis+sentinel://:${group.password}@${servers}/main?sentinel_password=${group.password}`,
    sentinelPort: ports[0] as number,
    password: group.password,
    members,
    replicaOf: (master) => {
      const others = members.filter((one) => one !== master);
      const links = async () => Promise.all(others.map(({ admin }) => admin.info('replication')));
      return eventually(startMs, links, (infos) =>
        infos.every((info) => info.includes('master_link_status:up')),
      );
    },
    master: async () => {
      const address = (await sentinels[0]?.call('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', 'main')) as string[];
      return members.find(({ port }) => port === Number(address[1])) as Member;
    },
  };
}

async function startSentinel(
  { directory, password }: { directory: string; password: string },
  index: number,
  masterPort: number,
): Promise<number> {
  const { path, env } = await findRedisServer();
  const port = await quietPort();
  const configFile = join(directory, `sentinel-${index}.conf`);
  const settings = [
    `port ${port}`,
    'bind 127.0.0.1',
    `requirepass ${password}`,
    `sentinel sentinel-pass ${password}`,
    `sentinel monitor main 127.0.0.1 ${masterPort} 2`,
    `sentinel auth-pass main ${password}`,
    'sentinel down-after-milliseconds main 1000',
    'sentinel failover-timeout main 6000',
  ];
  await writeFile(configFile, `${settings.join('\n')}\n`, { mode: 0o600 });
  const server = await startServerProcess({
    command: [...(await dieWithParent('TERM')), path, configFile, '--sentinel'],
    env: { PATH: process.env.PATH, LC_ALL: 'C', ...env },
    cwd: directory,
    logFile: join(directory, `sentinel-${index}.log`),
  });
  atEnd(() => server.stop('SIGTERM', stopMs));
  return port;
}
