import { randomBytes } from 'node:crypto';
import { expect, inject } from 'vitest';
import { atEnd } from '../support/at-end.ts';
import { startBroker, startReplica, type TestBroker } from '../support/broker.ts';
import { cloneDatabase } from '../support/database.ts';
import { eventually } from '../support/eventually.ts';
import { freshRedis } from '../support/redis.ts';
import { type Application, startApplication } from './application.ts';
import { type Gateway, type Place, startGateway } from './gateway.ts';
import { type Link, openLink } from './link.ts';
import { type SendOptions, type Sent, send } from './send.ts';

/**
 * Client → gateway → application, with a broker that the gateway asks over a link that can be cut.
 */
export type Site = {
  broker: TestBroker;
  application: Application;
  link: Link;
  /** The gateway's. */
  url: string;
  /** Of a real broker that has lost its Postgres, and soon its lease. */
  undecidedPort: number;
  send(path: string, options?: SendOptions): Promise<Sent>;
  /** Another gateway of the kind on the same broker and application; answers with its URL. */
  another(changed: Partial<Omit<Place, 'directory' | 'port'>>): Promise<string>;
};

export async function openSite(gateway: Gateway): Promise<Site> {
  const application = await startApplication();
  const broker = await startBroker();
  atEnd(() => broker.close());
  const undecidedPort = await startUndecidedBroker();
  const link = await openLink(portOf(broker.url));
  const { secret: masterKey } = await broker.createMasterKey({ permissions: ['keys:verify'] });
  const places = {
    brokerPort: link.port,
    applicationPort: application.port,
    masterKey,
    answersPreflight: false,
    mistakes: {},
  };
  const url = await startGateway(gateway, places);
  return {
    broker,
    application,
    link,
    url,
    undecidedPort,
    send: (path, options) => send(url, path, options),
    another: (changed) => startGateway(gateway, { ...places, ...changed }),
  };
}

/**
 * Not from memory: its lease ends seconds after its Postgres is gone, and from then on it says 503.
 */
async function startUndecidedBroker(): Promise<number> {
  const database = await cloneDatabase(inject('postgresUrl'));
  atEnd(() => database.drop());
  const way = await openLink(portOf(database.url));
  const databaseUrl = new URL(database.url);
  databaseUrl.port = String(way.port);
  const broker = await startReplica({
    DATABASE_URL: databaseUrl.href,
    REDIS_URL: (await freshRedis(inject('redisUrl'))).url,
    FLOWPLATE_PEPPERS: `p1:${randomBytes(32).toString('base64url')}`,
    FLOWPLATE_ENV: 'test',
    LEASE_MS: '3000',
    DRAIN_MS: '0',
  });
  atEnd(() => broker.close());
  await way.become('closed');
  return portOf(broker.url);
}

function portOf(url: string): number {
  return Number(new URL(url).port);
}

/**
 * The first answer that is a decision: on a busy machine the broker may miss its own deadline, and
 * then says 503 and when to come back.
 */
export function decided(ask: () => Promise<Sent>): Promise<Sent> {
  return eventually(10_000, ask, ({ status, headers }) => status !== 503 || headers['x-from'] !== undefined);
}

/** Expects that the gateway itself answers, and that the application hears nothing of it. */
export async function expectRefused(site: Site, status: number, path: string, options?: SendOptions) {
  const heard = site.application.received.length;
  const ask = () => site.send(path, options);
  const answer = await (status === 503 ? ask() : decided(ask));
  expect(answer.status, answer.body).toBe(status);
  expect(answer.headers['x-from']).toBeUndefined();
  expect(site.application.received).toHaveLength(heard);
  expect(JSON.stringify(answer.headers)).not.toMatch(
    /x-flowplate-(user|organization|key|environment|scopes)/,
  );
  return answer;
}

/** Expects that the application answers, and hands back the request that it saw. */
export async function expectPassed(site: Site, path: string, options?: SendOptions) {
  const answer = await decided(() => site.send(path, options));
  expect(answer.status, answer.body).toBe(200);
  expect(answer.headers['x-from']).toBe('application');
  const received = site.application.received.at(-1);
  if (received === undefined) throw new Error('the application heard nothing');
  return received;
}
