import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { atEnd } from '../support/at-end.ts';
import { startBroker, type TestBroker } from '../support/broker.ts';
import { eventually } from '../support/eventually.ts';
import { type Application, startApplication } from './application.ts';
import type { Front } from './front.ts';
import { type Gateway, type Place, startGateway } from './gateway.ts';
import { type Link, openLink } from './link.ts';
import { type SendOptions, type Sent, send } from './send.ts';

/** What the sites of one file share. */
export type Ground = { broker: TestBroker; application: Application };

export async function openGround(): Promise<Ground> {
  const application = await startApplication();
  const broker = await startBroker();
  atEnd(() => broker.close());
  return { broker, application };
}

/**
 * Client → gateway → application, with a front that the gateway asks over a link that can be cut.
 */
export type Site = Ground & {
  front: Front;
  link: Link;
  /** Where the link leads while it is open. */
  frontAt: number | string;
  /** The gateway's. */
  url: string;
  /** Of a front that cannot decide. */
  undecidedAt: number | string;
  send(path: string, options?: SendOptions): Promise<Sent>;
  /** Another gateway of the kind on the same broker and application; answers with its URL. */
  another(changed: Partial<Pick<Place, 'masterKey' | 'answersPreflight' | 'mistakes'>>): Promise<string>;
};

export async function openSite(gateway: Gateway, front: Front, ground: Ground): Promise<Site> {
  const { broker, application } = ground;
  const { secret: masterKey } = await broker.createMasterKey({ permissions: front.permissions });
  const [frontAt, undecidedAt] = await Promise.all([front.open(broker, masterKey), front.openUndecided()]);
  const link = await openLink(frontAt, typeof frontAt === 'string' ? await newSocketPath() : undefined);
  const places = {
    broker: link.at,
    applicationPort: application.port,
    masterKey,
    answersPreflight: false,
    mistakes: {},
  };
  const url = await startGateway(gateway, places);
  return {
    ...ground,
    front,
    link,
    frontAt,
    url,
    undecidedAt,
    send: (path, options) => send(url, path, options),
    another: async (changed) => {
      const isOther = changed.masterKey !== undefined && typeof frontAt === 'string';
      // The key is not in the gateway, but in the local verifier.
      const at = isOther ? await front.open(broker, changed.masterKey ?? '') : link.at;
      return startGateway(gateway, { ...places, ...changed, broker: at });
    },
  };
}

async function newSocketPath(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'flowplate-test-'));
  atEnd(() => rm(directory, { recursive: true, force: true }));
  return join(directory, 'link.sock');
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
