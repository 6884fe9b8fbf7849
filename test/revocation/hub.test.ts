import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { ToldChange } from '../../src/domain/key-change.ts';
import { Follower } from '../../src/revocation/follower.ts';
import { Hub } from '../../src/revocation/hub.ts';
import { revisionOf } from '../support/feed.ts';

const newFollower = (appliedSeq: number, toldSeq: number) =>
  new Follower(
    {
      id: 'one',
      masterKeyId: 'flm_1',
      visible: (changes) => changes as readonly ToldChange[],
      tell: () => undefined,
      end: () => undefined,
    },
    { appliedSeq, toldSeq },
  );

test('a follower that comes again is waited for by its earlier lease, also where it gets no other', async () => {
  let remainingMs = 60_000;
  const hub = new Hub({ leaseMs: 60_000, remainingMs: () => remainingMs, onSettled: () => undefined });
  hub.reset(4);
  const first = newFollower(4, 4);
  hub.join(first);
  expect(hub.extend(first)).toBe(60_000);
  hub.apply([{ ...revisionOf('flk_1', 2), seq: 5 }], 5);
  // Its process has no lease of its own at the moment, such as between two servers.
  remainingMs = 0;
  hub.disconnect(first);
  const again = newFollower(4, 5);
  hub.join(again);
  expect(hub.extend(again)).toBe(0);
  await sleep(60);
  expect(hub.progress()?.laggards).toEqual([{ id: 'one', masterKeyId: 'flm_1', appliedSeq: 4 }]);
  hub.acknowledge(again, 5);
  expect(hub.progress()).toMatchObject({ settledSeq: 5, laggards: [] });
});

test('a stream that another one of the same follower has replaced gets no lease', () => {
  const hub = new Hub({ leaseMs: 60_000, remainingMs: () => 60_000, onSettled: () => undefined });
  hub.reset(4);
  const [first, again] = [newFollower(4, 4), newFollower(4, 4)];
  hub.join(first);
  hub.join(again);
  expect([hub.extend(first), hub.extend(again)]).toEqual([0, 60_000]);
});
