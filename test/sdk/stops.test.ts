import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { StopSubject } from '../../src/domain/key-stop.ts';
import { stopKeys } from '../../src/usecases/user-keys/stop-keys.ts';
import { tidyStops } from '../../src/usecases/user-keys/tidy-stops.ts';
import { endAll } from '../support/at-end.ts';
import { startBroker, type TestBroker } from '../support/broker.ts';
import { type Minted, mint } from '../support/keys.ts';
import { callerWith } from '../support/use-case-parts.ts';
import { codeOf, type Embedded, embed, embedHoldingLease, warm } from './embedded.ts';

const organizationId = 'org_of_the_gateway';

let broker: TestBroker;
let minter: { id: string; secret: string };
let follower: Embedded;
let narrow: Embedded;
let beating: Embedded;

beforeAll(async () => {
  broker = await startBroker();
  minter = await broker.createMasterKey();
  const confined = await broker.createMasterKey({ organizationIds: [organizationId] });
  follower = await embed(broker);
  narrow = await embed({ url: broker.url, masterKey: confined.secret });
  // Without WebSockets: as releases before, it sends heartbeats.
  beating = await embed(broker, { fetch: (url, init) => fetch(url, init) });
});
afterAll(async () => {
  await endAll();
  await broker.close();
});

const everybody = () => [follower, narrow, beating];

async function stop(subject: StopSubject) {
  const stopped = await stopKeys(broker.api.parts, callerWith({ id: minter.id }), subject);
  return stopped?.propagation.isComplete;
}

const subjects: Record<string, (key: Minted) => StopSubject> = {
  'a master key': () => ({ kind: 'minted_by', subject: minter.id }),
  'a user': ({ user_id }) => ({ kind: 'user', subject: user_id }),
  'an organization': () => ({ kind: 'organization', subject: organizationId }),
};

describe.each(Object.entries(subjects))(
  'a stop of all keys of %s that has answered complete',
  (_name, of) => {
    test('is known to every gateway in the very next instruction, and later keys are not touched', async () => {
      const body = { organization_id: organizationId };
      const key = await mint(broker, body, { as: minter.secret });
      for (const verifier of everybody()) expect(await warm(verifier, key.key)).toBe('VALID');
      expect(await stop(of(key))).toBe(true);
      expect(follower.verifyNow({ key: key.key })?.code).toBe('REVOKED');
      for (const verifier of everybody()) {
        expect([undefined, 'REVOKED']).toContain(verifier.verifyNow({ key: key.key })?.code);
      }
      for (const verifier of everybody()) expect(await codeOf(verifier, key.key)).toBe('REVOKED');
      const { user_id, organization_id } = key;
      const next = await mint(broker, { user_id, organization_id }, { as: minter.secret });
      for (const verifier of everybody()) expect(await codeOf(verifier, next.key)).toBe('VALID');
      await tidyStops(broker);
      for (const verifier of everybody()) {
        expect([await codeOf(verifier, key.key), await codeOf(verifier, next.key)]).toEqual([
          'REVOKED',
          'VALID',
        ]);
      }
    });

    test('is known to a gateway that starts while it lives', async () => {
      const key = await mint(broker, { organization_id: organizationId }, { as: minter.secret });
      expect(await warm(follower, key.key)).toBe('VALID');
      await stop(of(key));
      const late = await embedHoldingLease(broker);
      expect(await codeOf(late, key.key)).toBe('REVOKED');
      expect(late.verifyNow({ key: key.key })?.code).toBe('REVOKED');
    });
  },
);

test('keys of others are still verified from memory', async () => {
  const [stopped, other] = [await mint(broker), await mint(broker)];
  expect(await warm(follower, other.key)).toBe('VALID');
  expect(await stop({ kind: 'user', subject: stopped.user_id })).toBe(true);
  expect(follower.verifyNow({ key: other.key })?.code).toBe('VALID');
});
