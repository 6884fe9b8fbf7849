import type { Server } from 'node:http';
import { afterAll, expect, test } from 'vitest';
import { listen } from '../../src/process/serve-http.ts';
import { atEnd, endAll } from '../support/at-end.ts';
import { seededRandom } from '../support/seeded-random.ts';
import { differenceOf } from './compare-answers.ts';
import { laneServer, plainServer, seen } from './echo-servers.ts';
import { fuzzedBytes } from './fuzzed-bytes.ts';
import { sendInProcess } from './in-process.ts';
import { sendOverTcp } from './over-tcp.ts';

/**
 * 30,000 take about 10 s of one core. The full run of docs/decisions/0030-fast-lane.md:
 * FUZZED_REQUESTS=1000000 scripts/test test/fast-lane/fuzz.test.ts
 */
const requestsCount = Number(process.env.FUZZED_REQUESTS ?? 30_000);
const seed = Number(process.env.FUZZ_SEED ?? Math.floor(Math.random() * 2 ** 31));
const quietMs = 200;
const longQuietMs = 3_000;

afterAll(endAll);

test(`the lane and node:http answer the same bytes alike (seed ${seed})`, async ({ annotate }) => {
  const random = seededRandom(seed);
  const [plain, lane] = [plainServer(), laneServer()];
  seen.byLane = 0;
  let requests = 0;
  while (requests < requestsCount) {
    const bytes = fuzzedBytes(random);
    requests += bytes.requests;
    const gaps = bytes.pieces.map(() => random.below(2) === 0);
    const [theirs, ours] = await Promise.all([
      sendInProcess(plain, bytes.pieces, gaps),
      sendInProcess(lane, bytes.pieces, gaps),
    ]);
    const difference = differenceOf(theirs, ours);
    if (difference !== undefined) expect({ difference, bytes, ours }).toEqual({ bytes, ours: theirs });
  }
  await annotate(`${requests} requests, ${seen.byLane} answered by the lane`);
  expect(seen.byLane, 'the lane answers a good part itself').toBeGreaterThan(requests * 0.2);
}, 3_600_000);

/** Here Node's parser takes over the file descriptor, where a byte could be lost besides. */
test(`the same over TCP (seed ${seed})`, async () => {
  const random = seededRandom(seed);
  const [plain, lane] = [await open(plainServer()), await open(laneServer())];
  const compare = async (pieces: readonly string[], quietMs: number) => {
    const [theirs, ours] = await Promise.all([
      sendOverTcp(plain, pieces, quietMs),
      sendOverTcp(lane, pieces, quietMs),
    ]);
    return { difference: differenceOf(theirs, ours), theirs, ours };
  };
  const compareSome = async () => {
    for (let count = 0; count < 8; count++) {
      const { pieces } = fuzzedBytes(random);
      if ((await compare(pieces, quietMs)).difference === undefined) continue;
      // A busy machine may be late with an answer: what differs is asked once more, with patience.
      const { difference, theirs, ours } = await compare(pieces, longQuietMs);
      if (difference !== undefined) expect({ difference, pieces, ours }).toEqual({ pieces, ours: theirs });
    }
  };
  await Promise.all(Array.from({ length: 24 }, compareSome));
});

function open(server: Server): Promise<number> {
  atEnd(() => {
    server.close();
    server.closeAllConnections();
  });
  return listen(server, 0, '127.0.0.1');
}
