import { randomBytes } from 'node:crypto';
import type { Server } from 'node:http';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { newSecret } from '../../../src/domain/key-format.ts';
import { RefusalPace } from '../../../src/http/refusal-pace.ts';
import { createApiServer } from '../../../src/http/server.ts';
import { listen } from '../../../src/process/serve-http.ts';
import { atEnd, endAll } from '../../support/at-end.ts';
import { startBroker, type TestBroker } from '../../support/broker.ts';
import { mint, revoke } from '../../support/keys.ts';
import { type Random, seededRandom } from '../../support/seeded-random.ts';
import { type Conversation, converse, type Heard } from './conversation.ts';
import { fuzzedRequest, type Secrets } from './fuzzed-requests.ts';
import { createReferenceServer } from './reference-server.ts';

/**
 * 20,000 take 8 s on a quiet machine, and find a header that is misread among the first 10,000.
 * Without a wish, a busy one stops after a minute.
 */
const wished = process.env.FUZZED_REQUESTS;
const requestsCount = Number(wished ?? 20_000);
const msMax = wished === undefined ? 60_000 : Number.POSITIVE_INFINITY;
const seed = Number(process.env.FUZZ_SEED ?? Math.floor(Math.random() * 2 ** 31));

const conversationsAtOnce = 16;
const requestsEachMax = 10;
/** For answers that are certain to come. */
const patienceMs = 10_000;
/** Where a message does not end, the server waits for the rest of it, and so long do we. */
const silenceMs = 300;
const longSilenceMs = 3_000;

let broker: TestBroker;
let ours: number;
let reference: number;
let secrets: Secrets;
beforeAll(async () => {
  broker = await startBroker();
  atEnd(() => broker.close());
  const refusalPace = new RefusalPace({ perSecond: 1e9, atOnceMax: 1, waitMsMax: 0, waitingMax: 0 });
  const parts = { ...broker.api.parts, refusalPace, unknownKeyPace: refusalPace, isDraining: () => false };
  ours = await open(createApiServer(parts));
  reference = await open(createReferenceServer(parts));
  secrets = await manySecrets();
});
afterAll(endAll);

function open(server: Server): Promise<number> {
  atEnd(() => {
    server.close();
    server.closeAllConnections();
  });
  return listen(server, 0, '127.0.0.1');
}

async function manySecrets(): Promise<Secrets> {
  const organization = { organization_id: 'org_fuzz' };
  const minted = await Promise.all(
    [
      {},
      organization,
      { ...organization, scopes: ['read', 'write'] },
      { ip_allowlist: ['10.0.0.0/8'] },
      { environment: 'prod' },
    ].map((settings) => mint(broker, settings)),
  );
  const ended = await mint(broker);
  await revoke(broker, ended.key_id);
  const narrow = await broker.createMasterKey({ organizationIds: ['org_fuzz'] });
  const mayNot = await broker.createMasterKey({ permissions: ['keys:read'] });
  const unknown = newSecret('user', 'test', randomBytes);
  return {
    masterKeys: [broker.masterKey, narrow.secret, mayNot.secret, newSecret('master', 'test', randomBytes)],
    keys: [...minted, ended].map(({ key }) => key).concat(unknown),
  };
}

test(`our reading of a request is that of Node's parser and Express, or a refusal (seed ${seed})`, async ({
  annotate,
}) => {
  const random = seededRandom(seed);
  const endMs = performance.now() + msMax;
  const seen = { requests: 0, answers: 0, accepted: 0 };
  const worker = async () => {
    while (seen.requests < requestsCount && performance.now() < endMs) {
      const { conversation, count } = newConversation(random);
      seen.requests += count;
      const heard = await compare(conversation);
      seen.answers += heard.length;
      seen.accepted += heard.filter(({ status }) => status === 200).length;
    }
  };
  await Promise.all(Array.from({ length: conversationsAtOnce }, worker));
  await annotate(`${seen.requests} requests, ${seen.answers} answers, ${seen.accepted} of them 200`);
  expect(seen.answers, 'most requests reach an answer').toBeGreaterThan(seen.requests * 0.6);
  expect(seen.accepted, 'and many a verdict').toBeGreaterThan(seen.requests * 0.1);
}, 900_000);

/** Requests whose ends are certain, one behind another; or one whose end is not. */
function newConversation(random: Random): { conversation: Conversation; count: number } {
  const requests = [fuzzedRequest(random, secrets)];
  const count = 1 + random.below(requestsEachMax);
  while (requests.length < count && requests[0]?.isFramed) {
    const next = fuzzedRequest(random, secrets);
    if (next.isFramed) requests.push(next);
  }
  const text = requests.map((request) => request.text).join('');
  const answersMax = requests[0]?.isFramed ? requests.length : undefined;
  return { conversation: { text, answersMax }, count: requests.length };
}

/**
 * A busy machine may be late with an answer; what differs is therefore asked once more, with
 * patience.
 */
async function compare(conversation: Conversation): Promise<Heard[]> {
  const [mine, theirs] = await askBoth(conversation, silenceMs);
  if (isSameOrRefused(conversation, mine, theirs)) return mine;
  const [again, theirsAgain] = await askBoth(conversation, longSilenceMs);
  if (!isSameOrRefused(conversation, again, theirsAgain)) {
    expect({ answers: again, text: conversation.text }).toEqual({
      answers: theirsAgain,
      text: conversation.text,
    });
  }
  return again;
}

function askBoth(conversation: Conversation, silence: number): Promise<[Heard[], Heard[]]> {
  const waitMs = conversation.answersMax === undefined ? silence : patienceMs;
  return Promise.all([converse(ours, conversation, waitMs), converse(reference, conversation, waitMs)]);
}

function isSameOrRefused(
  { answersMax }: Conversation,
  ours: readonly Heard[],
  theirs: readonly Heard[],
): boolean {
  const [mine, others] = [withoutEnd(ours), withoutEnd(theirs)];
  const isCut =
    mine.length < ours.length || others.length < theirs.length || isEndedEarly(answersMax, theirs);
  const compared = isCut ? Math.min(mine.length, others.length) : Math.max(mine.length, others.length);
  return Array.from({ length: compared }).every((_, index) => isAgreed(mine[index], others[index]));
}

/**
 * Without the answer of Node's parser to bytes that are no request. It takes the place of answers
 * that were still being made for what came before; how many those are depends on who is faster. Nor
 * with a 417, which Node answers before it reads the body: where that is unreadable, it closes the
 * connection with or without the answer.
 */
function withoutEnd(heard: readonly Heard[]): readonly Heard[] {
  const last = heard.at(-1);
  const isOfTheParser = last?.status === 417 || (last?.status === 400 && last.body === '');
  return isOfTheParser ? heard.slice(0, -1) : heard;
}

/**
 * Whether Node's parser ended the connection before all answers: requests follow one that closes
 * it, or one is unreadable. It then drops what is not yet sent, its own 400 as well. That is more
 * when the fast lane has handed the connection over: Node then parses all that was read in one go.
 */
function isEndedEarly(answersMax = 0, heard: readonly Heard[]): boolean {
  return heard.length < answersMax;
}

/** Forward auth may refuse what the reference would take, and words its refusals in its own way. */
function isAgreed(ours: Heard | undefined, theirs: Heard | undefined): boolean {
  if (ours?.body.startsWith('{"type":"about:blank"')) return true;
  return JSON.stringify(ours) === JSON.stringify(theirs);
}
