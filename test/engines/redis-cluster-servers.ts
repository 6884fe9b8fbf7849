import { eventually } from '../support/eventually.ts';
import { quietPort } from '../support/quiet-port.ts';
import { type Member, newGroup, type SettingsOf, startMembers } from './redis-servers.ts';

const slots = 16_384;
const startMs = 30_000;

export type TestCluster = {
  url: string;
  password: string;
  members: Member[];
  slotOf(key: string): Promise<number>;
  /** The master that a key belongs to now. */
  masterOf(key: string): Promise<Member>;
  replicasOf(master: Member): Promise<Member[]>;
  /** Another one. */
  otherMaster(key: string): Promise<Member>;
  /** Names of keys of all masters. */
  keys(pattern: string): Promise<string[]>;
  /** Moves slots to a master, key by key, as `redis-cli --cluster reshard` does. */
  moveSlots(to: Member, moved: Iterable<number>): Promise<void>;
};

/**
 * A Redis Cluster of masters with one replica each, on free ports of this machine. A master that
 * does not answer for a second is replaced.
 */
export async function startRedisCluster(
  masters = 3,
  settingsOf: SettingsOf = async () => ({}),
): Promise<TestCluster> {
  const group = await newGroup();
  const members = await startMembers(2 * masters, group, async (index) => ({
    'cluster-enabled': 'yes',
    'cluster-node-timeout': '1000',
    'cluster-port': String(await quietPort()),
    'repl-diskless-sync-delay': '0',
    databases: '1',
    ...(await settingsOf(index)),
  }));
  await join(members, masters);
  const servers = members.map(({ host, port }) => `${host}:${port}`).join(',');
  return {
    url: `redis+cluster://:${group.password}@${servers}`,
    password: group.password,
    members,
    slotOf: (key) => slotOf(members, key),
    masterOf: async (key) => masterOf(members, await slotOf(members, key)),
    replicasOf: async ({ port }) => {
      const infos = await Promise.all(members.map(({ admin }) => admin.info('replication')));
      return members.filter((_, index) => infos[index]?.includes(`master_port:${port}\r`));
    },
    otherMaster: async (key) => {
      const slot = await slotOf(members, key);
      return masterOf(members, (slot + slots / 2) % slots);
    },
    keys: async (pattern) => {
      const found = await Promise.all(members.map(({ admin }) => admin.keysBuffer(pattern)));
      return found.flat().map((name) => name.toString('latin1'));
    },
    moveSlots: (to, moved) => moveSlots(members, to, moved),
  };
}

async function join(members: readonly Member[], masters: number): Promise<void> {
  const [first, ...others] = members as [Member, ...Member[]];
  for (const [index, { admin }] of members.entries()) {
    await admin.call('CLUSTER', 'SET-CONFIG-EPOCH', String(index + 1));
    if (index >= masters) continue;
    const [from, to] = [
      Math.floor((index * slots) / masters),
      Math.floor(((index + 1) * slots) / masters) - 1,
    ];
    await admin.call('CLUSTER', 'ADDSLOTSRANGE', String(from), String(to));
  }
  for (const { admin } of others) {
    const busPort = (await first.admin.config('GET', 'cluster-port')) as unknown as
      | Record<string, string>
      | string[];
    const bus = Array.isArray(busPort) ? busPort[1] : busPort['cluster-port'];
    await admin.call('CLUSTER', 'MEET', first.host, String(first.port), String(bus));
  }
  const known = async () =>
    Promise.all(members.map(async ({ admin }) => String(await admin.cluster('INFO'))));
  const all = `cluster_known_nodes:${members.length}`;
  await eventually(startMs, known, (infos) =>
    infos.every((info) => info.includes('cluster_state:ok') && info.includes(all)),
  );
  for (const [index, { admin }] of members.slice(masters).entries())
    await admin.call('CLUSTER', 'REPLICATE', await idOf(members[index] as Member));
  const links = () => Promise.all(members.slice(masters).map(({ admin }) => admin.info('replication')));
  await eventually(startMs, links, (infos) => infos.every((info) => info.includes('master_link_status:up')));
}

async function idOf({ admin }: Member): Promise<string> {
  return String(await admin.call('CLUSTER', 'MYID'));
}

async function slotOf(members: readonly Member[], key: string): Promise<number> {
  const living = members.find(({ admin }) => admin.status === 'ready');
  return Number(await living?.admin.call('CLUSTER', 'KEYSLOT', key));
}

async function masterOf(
  members: readonly Member[],
  slot: number,
  asked: readonly Member[] = members,
): Promise<Member> {
  for (const member of asked) {
    if (member.admin.status !== 'ready') continue;
    const ranges = (await member.admin.cluster('SLOTS')) as unknown as [number, number, [string, number]][];
    const range = ranges.find(([first, last]) => first <= slot && slot <= last);
    const found = members.find(({ port }) => port === range?.[2][1]);
    if (found !== undefined) return found;
  }
  throw new Error(`no master has slot ${slot}`);
}

async function moveSlots(members: readonly Member[], to: Member, moved: Iterable<number>): Promise<void> {
  // Two masters that take the same new epoch would each believe the other one.
  await agreeOnEpoch(members);
  for (const slot of moved) {
    const from = await ownerOf(members, slot);
    if (from !== to) await moveSlot(members, from, to, String(slot));
  }
}

async function agreeOnEpoch(members: readonly Member[]): Promise<void> {
  const epochs = () =>
    Promise.all(
      members.map(
        async ({ admin }) => /cluster_current_epoch:(\d+)/.exec(String(await admin.cluster('INFO')))?.[1],
      ),
    );
  await eventually(startMs, epochs, (all) => new Set(all).size === 1);
}

/** The member that takes the slot for its own: others may not have heard of the last move yet. */
async function ownerOf(members: readonly Member[], slot: number): Promise<Member> {
  const claimants = async () => {
    const masters = await Promise.all(members.map((member) => masterOf(members, slot, [member])));
    return members.filter((member, index) => masters[index] === member);
  };
  const [owner] = await eventually(startMs, claimants, ({ length }) => length === 1);
  return owner as Member;
}

async function moveSlot(members: readonly Member[], from: Member, to: Member, slot: string): Promise<void> {
  const [fromId, toId] = [await idOf(from), await idOf(to)];
  await to.admin.call('CLUSTER', 'SETSLOT', slot, 'IMPORTING', fromId);
  await from.admin.call('CLUSTER', 'SETSLOT', slot, 'MIGRATING', toId);
  for (;;) {
    const keys = (await from.admin.callBuffer('CLUSTER', 'GETKEYSINSLOT', slot, '1')) as Buffer[];
    if (keys.length === 0) break;
    const target = [to.host, String(to.port), '', '0', '5000', 'AUTH', String(to.admin.options.password)];
    await from.admin.call('MIGRATE', ...target, 'KEYS', ...keys);
  }
  // The new master first: until the others know, it tells them.
  for (const member of [to, from, ...members]) await tellOwner(member, slot, toId);
}

/** A replica follows its master. */
async function tellOwner({ admin }: Member, slot: string, ownerId: string): Promise<void> {
  await admin.call('CLUSTER', 'SETSLOT', slot, 'NODE', ownerId).catch((error: Error) => {
    if (!error.message.includes('only with masters')) throw error;
  });
}
