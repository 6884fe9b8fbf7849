import { setTimeout as sleep } from 'node:timers/promises';
import type { StopSubject } from '../../src/domain/key-stop.ts';
import { tidyStops } from '../../src/usecases/user-keys/tidy-stops.ts';
import type { Random } from '../support/seeded-random.ts';
import {
  type KnownKey,
  lapse,
  release,
  report,
  revokeById,
  revokeByOwner,
  revokeByUser,
  setStatus,
  stopAll,
  turn,
} from './changes.ts';
import type { Clients } from './clients.ts';
import type { Owner } from './contradictions.ts';
import { leaseMs } from './fleet.ts';

const weights = {
  mint: 6,
  refresh: 4,
  revokeByOwner: 3,
  revokeById: 3,
  revokeByUser: 1,
  disable: 2,
  leak: 3,
  suspend: 1,
  stopUser: 1,
  stopOrganization: 1,
};

/** One client's next wish for one of these owners, through any process. */
export async function changeAtRandom(
  clients: Clients,
  owners: readonly Owner[],
  random: Random,
): Promise<unknown> {
  const owner = random.pick(owners);
  const key = random.pick(clients.latestKeys(owner));
  const wish = random.weighted(weights);
  if (key === undefined) return clients.mint(owner, random);
  const call = clients.pickCall(random);
  const ofUser = owners.filter(({ userId }) => userId === owner.userId);
  const grant = {
    mint: () => clients.mint(owner, random),
    refresh: () => clients.refresh(owner, random),
    revokeByOwner: () => clients.change([owner], () => revokeByOwner(call, owner)),
    revokeById: () => clients.change([owner], () => revokeById(call, key)),
    revokeByUser: () => clients.change(ofUser, () => revokeByUser(call, owner.userId)),
    disable: () => disableForAWhile(clients, owner, key, random),
    leak: () => quarantineForAWhile(clients, owner, key, random),
    suspend: () => suspendForAWhile(clients, owner, owners, random),
    stopUser: () => stopAndTidy(clients, ofUser, { kind: 'user', subject: owner.userId }, random),
    stopOrganization: () =>
      stopAndTidy(
        clients,
        owners.filter(({ organizationId }) => organizationId === owner.organizationId),
        { kind: 'organization', subject: owner.organizationId },
        random,
      ),
  };
  return grant[wish]();
}

/** The rule lives for a while; then the rows say it, unless Postgres is away. */
async function stopAndTidy(
  clients: Clients,
  owners: readonly Owner[],
  subject: StopSubject,
  random: Random,
): Promise<void> {
  await clients.change(owners, () => stopAll(clients.operator, subject));
  await sleep(random.below(200));
  await tidyStops(clients.operator).catch(() => 0);
}

async function disableForAWhile(
  clients: Clients,
  owner: Owner,
  key: KnownKey,
  random: Random,
): Promise<void> {
  await clients.change([owner], () => turn(clients.pickCall(random), 'disable', key));
  await sleep(random.below(30));
  await clients.change([owner], () => turn(clients.pickCall(random), 'enable', key));
}

/** One time in four the hour is over before the key is released. */
async function quarantineForAWhile(
  clients: Clients,
  owner: Owner,
  key: KnownKey,
  random: Random,
): Promise<void> {
  await clients.change([owner], () => report(clients.pickCall(random), key, leaseMs));
  await sleep(random.below(60));
  if (random.below(4) === 0) await clients.change([owner], () => lapse(clients.operator, owner, key));
  await clients.change([owner], () => release(clients.pickCall(random), key));
}

const resumeAttemptsMax = 100;

async function suspendForAWhile(
  clients: Clients,
  { organizationId }: Owner,
  owners: readonly Owner[],
  random: Random,
): Promise<void> {
  const { operator } = clients;
  const members = owners.filter((other) => other.organizationId === organizationId);
  await clients.change(members, () => setStatus(operator, organizationId, 'suspend'));
  await sleep(random.below(60));
  for (let attempts = 0; attempts < resumeAttemptsMax; attempts++) {
    const ended = await clients.change(members, () => setStatus(operator, organizationId, 'resume'));
    if (ended === 'nothing' || ended.action.outcome === 'done') return;
    await sleep(20);
  }
}
