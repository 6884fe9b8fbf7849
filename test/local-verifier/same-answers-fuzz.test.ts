import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { newSecret } from '../../src/domain/key-format.ts';
import { type Conversation, converse, type Heard } from '../http/verify/conversation.ts';
import { fuzzedRequest, type Secrets } from '../http/verify/fuzzed-requests.ts';
import { atEnd, endAll } from '../support/at-end.ts';
import { startBroker, type TestBroker } from '../support/broker.ts';
import { mint, revoke } from '../support/keys.ts';
import { startLocalVerifier, untilLeaseIsHeld } from '../support/local-verifier.ts';
import { seededRandom } from '../support/seeded-random.ts';

/** A header that is misread shows among the first thousand. */
const requestsCount = Number(process.env.FUZZED_REQUESTS ?? 2_000);
const seed = Number(process.env.FUZZ_SEED ?? Math.floor(Math.random() * 2 ** 31));
const atOnce = 8;
const patienceMs = 10_000;
/** Where a message does not end, a server waits for the rest of it, and so long do we. */
const silenceMs = 300;

let broker: TestBroker;
let ports: { api: number; local: number };
let secrets: Secrets;
beforeAll(async () => {
  broker = await startBroker();
  atEnd(() => broker.close());
  const local = await startLocalVerifier({ brokers: [broker.url], masterKey: broker.masterKey });
  await untilLeaseIsHeld(local);
  ports = { api: portOf(broker.url), local: portOf(local.url) };
  const minted = await Promise.all(
    [{}, { scopes: ['read', 'write'] }, { ip_allowlist: ['10.0.0.0/8'] }, { environment: 'prod' }].map(
      (settings) => mint(broker, { organization_id: 'org_fuzz', ...settings }),
    ),
  );
  const ended = await mint(broker);
  await revoke(broker, ended.key_id);
  const unknown = newSecret('user', 'test', randomBytes);
  secrets = {
    // Another master key of the broker is unknown to a local verifier.
    masterKeys: [broker.masterKey, newSecret('master', 'test', randomBytes)],
    keys: [...minted, ended].map(({ key }) => key).concat(unknown),
  };
});
afterAll(endAll);

function portOf(url: string): number {
  return Number(new URL(url).port);
}

test(`whatever is sent, the local verifier answers what the API answers (seed ${seed})`, async () => {
  const random = seededRandom(seed);
  let count = 0;
  let accepted = 0;
  const worker = async () => {
    while (count < requestsCount) {
      count += 1;
      const { text, isFramed } = fuzzedRequest(random, secrets);
      const byApi = await compare({ text, answersMax: isFramed ? 1 : undefined });
      accepted += byApi.filter(({ status }) => status === 200).length;
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  expect(accepted).toBeGreaterThan(requestsCount / 10);
}, 300_000);

/** A busy machine may be late with an answer: what differs is asked again, with patience. */
async function compare(conversation: Conversation): Promise<Heard[]> {
  let [byApi, byLocal] = await askBoth(conversation, silenceMs);
  if (isForOthers(conversation.text) && byLocal.every(({ status }) => status === 404)) return byApi;
  for (let again = 0; again < 5 && !isSame(byApi, byLocal); again += 1) {
    [byApi, byLocal] = await askBoth(conversation, 10 * silenceMs);
  }
  if (isSame(byApi, byLocal)) return byApi;
  expect.fail(JSON.stringify({ sent: conversation.text, byApi, byLocal }, null, 2));
}

/** A mistyped path may be one of the API's, and is none of the local verifier's. */
function isForOthers(text: string): boolean {
  const [, path = ''] = /^\w+ (?:http:\/\/[^/]*)?(\S*)/.exec(text) ?? [];
  return !/^\/v1\/flowplate\/(authz($|[/?])|api-keys\/verify(\/batch)?($|\?))/.test(path);
}

/**
 * The answer of Node's parser to bytes that are no request, 400 without a body, takes the place of
 * an answer that was still being made. Which of them comes depends on who is faster.
 */
function isSame(byApi: readonly Heard[], byLocal: readonly Heard[]): boolean {
  const [api, local] = [withoutEnd(byApi), withoutEnd(byLocal)];
  const isCut = api.length < byApi.length || local.length < byLocal.length;
  const compared = isCut ? Math.min(api.length, local.length) : Number.POSITIVE_INFINITY;
  return JSON.stringify(api.slice(0, compared)) === JSON.stringify(local.slice(0, compared));
}

function withoutEnd(heard: readonly Heard[]): readonly Heard[] {
  const last = heard.at(-1);
  return last?.status === 400 && last.body === '' ? heard.slice(0, -1) : heard;
}

function askBoth(conversation: Conversation, silence: number): Promise<[Heard[], Heard[]]> {
  const waitMs = conversation.answersMax === undefined ? silence : patienceMs;
  return Promise.all([
    converse(ports.api, conversation, waitMs),
    converse(ports.local, conversation, waitMs),
  ]);
}
