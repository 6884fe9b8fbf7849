import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startBroker, type TestBroker } from '../../support/broker.ts';
import { expectError, expectViolations } from '../../support/errors.ts';
import { SoftwarePasskey } from '../../support/passkey.ts';
import { bootstrapped, type LoggedIn, platformUser } from '../../support/platform-users.ts';
import { confirm, tryLogInWith } from '../../support/second-factors.ts';
import { walkClock } from '../../support/walk-clock.ts';

const own = '/api/v1/platform/auth';
const origin = 'https://keys.example.com';
const rpId = 'keys.example.com';
const page = { 'x-flowplate-portal': '1', 'sec-fetch-site': 'same-origin', origin };

let broker: TestBroker;
let root: LoggedIn;
beforeAll(async () => {
  broker = await startBroker();
  root = await bootstrapped(broker);
});
afterAll(() => broker.close());

type Headers = { headers: Record<string, string> };

const call = (operation: string, { headers }: Headers, body?: unknown, more: object = page) =>
  broker.call(operation, {
    as: null,
    headers: { ...headers, ...more },
    ...(body !== undefined && { body }),
  });
const start = async (user: Headers): Promise<string> =>
  (await call(`POST ${own}/passkeys/challenge`, user)).body.challenge;
const add = (user: Headers, attested: object, more: object = page) =>
  call(`POST ${own}/passkeys`, user, { name: 'Laptop', ...attested }, more);
const logInWith = (email: string, proof?: object, headers = page) =>
  tryLogInWith(broker, email, proof, headers);

/** A user with a passkey. */
async function owner() {
  const user = await platformUser(broker, root);
  const passkey = new SoftwarePasskey(rpId);
  const added = await add(user, passkey.attest({ challenge: await start(user), origin }));
  expect(added.status, JSON.stringify(added.body)).toBe(201);
  return { ...user, passkey, codes: added.body.recovery_codes as string[] };
}

/** The challenge that a login with the right password gets. */
async function challengeFor(email: string, headers = page): Promise<string> {
  const asked = await logInWith(email, undefined, headers);
  const { passkey } = expectError(asked, 401, 'SECOND_FACTOR_REQUIRED') as {
    passkey?: { challenge: string };
  };
  return passkey?.challenge ?? '';
}

const refused = async (email: string, proof: object) =>
  expectError(await logInWith(email, proof), 401, 'SECOND_FACTOR_INVALID');

describe('setting up a passkey', () => {
  test('takes what the browser made for this page, and brings ten recovery codes the first time', async () => {
    const user = await owner();
    expect(user.codes).toHaveLength(10);
    const second = new SoftwarePasskey(rpId);
    const offer = await call(`POST ${own}/passkeys/challenge`, user);
    expect(offer.body).toMatchObject({ rp_id: rpId, user: { email: user.email } });
    expect(offer.body.existing_ids).toEqual([user.passkey.credentialId]);
    const added = await add(user, second.attest({ challenge: offer.body.challenge, origin }));
    expect(added.body.recovery_codes).toBeNull();
  });

  test('only pages of ours under a name can have one', async () => {
    const user = await platformUser(broker, root);
    const at = (more: object) => call(`POST ${own}/passkeys/challenge`, user, undefined, more);
    expectViolations(await at({}), 'Origin');
    expectViolations(await at({ ...page, 'sec-fetch-site': 'cross-site' }), 'Origin');
    expectViolations(await at({ ...page, origin: 'https://192.0.2.1' }), 'Origin');
    expectViolations(await at({ ...page, origin: 'https://[2001:db8::1]' }), 'Origin');
  });

  test("is refused for another's challenge, for one used before, and for one of a login", async () => {
    const [user, other] = [await owner(), await owner()];
    const passkey = new SoftwarePasskey(rpId);
    const challenge = await start(user);
    for (const challenge of [await start(other), await challengeFor(user.email), 'made-up']) {
      expectError(await add(user, passkey.attest({ challenge, origin })), 401, 'SECOND_FACTOR_INVALID');
    }
    expect((await add(user, passkey.attest({ challenge, origin }))).status).toBe(201);
    const again = new SoftwarePasskey(rpId).attest({ challenge, origin });
    expectError(await add(user, again), 401, 'SECOND_FACTOR_INVALID');
  });

  test('is refused when it was made for another page, or without asking for PIN or fingerprint', async () => {
    const user = await platformUser(broker, root);
    const elsewhere = { challenge: await start(user), origin: 'https://evil.example' };
    expectError(await add(user, new SoftwarePasskey(rpId).attest(elsewhere)), 401, 'SECOND_FACTOR_INVALID');
    const foreign = new SoftwarePasskey('evil.example').attest({ challenge: await start(user), origin });
    expectError(await add(user, foreign), 401, 'SECOND_FACTOR_INVALID');
    const careless = new SoftwarePasskey(rpId);
    careless.verifiesUser = false;
    const unverified = careless.attest({ challenge: await start(user), origin });
    expectError(await add(user, unverified), 401, 'SECOND_FACTOR_INVALID');
  });

  test('409: a passkey that an account has already is no other account’s', async () => {
    const [user, other] = [await owner(), await platformUser(broker, root)];
    const stolen = user.passkey.attest({ challenge: await start(other), origin });
    expectError(await add(other, stolen), 409, 'SECOND_FACTOR_ALREADY_EXISTS');
  });
});

describe('a login with a passkey', () => {
  test('takes a signature over the challenge of this login', async () => {
    const { email, passkey } = await owner();
    const proof = passkey.sign({ challenge: await challengeFor(email), origin });
    expect((await logInWith(email, proof)).status).toBe(200);
  });

  test('refuses a signature that was used before, and so does a second one at the same time', async () => {
    const { email, passkey } = await owner();
    const proof = passkey.sign({ challenge: await challengeFor(email), origin });
    const answers = await Promise.all([1, 2, 3].map(() => logInWith(email, proof)));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 401, 401]);
    await refused(email, proof);
  });

  test('refuses a challenge of another account, of another purpose, and an expired one', async () => {
    const [user, other] = [await owner(), await owner()];
    const { email, passkey } = user;
    const stolen = await challengeFor(other.email);
    await refused(email, passkey.sign({ challenge: stolen, origin }));
    await refused(email, passkey.sign({ challenge: await start(user), origin }));
    const own = await challengeFor(email);
    walkClock(broker, 5 * 60_000 + 1);
    await refused(email, passkey.sign({ challenge: own, origin }));
  });

  test("refuses another account's passkey, another page, and one that did not verify its holder", async () => {
    const [{ email, passkey }, other] = [await owner(), await owner()];
    await refused(email, other.passkey.sign({ challenge: await challengeFor(email), origin }));
    const elsewhere = { challenge: await challengeFor(email), origin: 'https://evil.example' };
    await refused(email, passkey.sign(elsewhere));
    passkey.verifiesUser = false;
    await refused(email, passkey.sign({ challenge: await challengeFor(email), origin }));
  });

  test('refuses a counter that went back: a copy of the passkey', async () => {
    const { email, passkey } = await owner();
    passkey.signCount = 40;
    const proof = passkey.sign({ challenge: await challengeFor(email), origin });
    expect((await logInWith(email, proof)).status).toBe(200);
    passkey.signCount = 12;
    await refused(email, passkey.sign({ challenge: await challengeFor(email), origin }));
  });

  test('gets no challenge without a page of ours, and none on another host: a recovery code is left', async () => {
    const { email, passkey, codes } = await owner();
    const asked = await tryLogInWith(broker, email);
    const details = expectError(asked, 401, 'SECOND_FACTOR_REQUIRED');
    expect(details).toEqual({ methods: ['passkey', 'recovery_code'] });
    expect(await challengeFor(email, { ...page, origin: 'https://other.example.com' })).toBe('');
    const challenge = await challengeFor(email);
    const proof = passkey.sign({ challenge, origin: 'https://other.example.com' });
    const elsewhere = await logInWith(email, proof, { ...page, origin: 'https://other.example.com' });
    expectError(elsewhere, 401, 'SECOND_FACTOR_INVALID');
    const [code] = codes;
    expect((await tryLogInWith(broker, email, { kind: 'recovery_code', code })).status).toBe(200);
  });
});

test('a passkey confirms a session, with a challenge for that alone', async () => {
  const user = await owner();
  const asked = await call(`POST ${own}/confirm`, user, {});
  const { passkey } = expectError(asked, 401, 'SECOND_FACTOR_REQUIRED') as {
    passkey: { challenge: string };
  };
  const proof = user.passkey.sign({ challenge: passkey.challenge, origin });
  await refused(user.email, proof);
  const again = expectError(await call(`POST ${own}/confirm`, user, {}), 401, 'SECOND_FACTOR_REQUIRED');
  const { challenge } = (again as { passkey: { challenge: string } }).passkey;
  const second_factor = user.passkey.sign({ challenge, origin });
  expectError(await confirm(broker, user, { second_factor }), 401, 'SECOND_FACTOR_INVALID');
  const last = expectError(await call(`POST ${own}/confirm`, user, {}), 401, 'SECOND_FACTOR_REQUIRED');
  const signed = user.passkey.sign({
    challenge: (last as { passkey: { challenge: string } }).passkey.challenge,
    origin,
  });
  expect((await call(`POST ${own}/confirm`, user, { second_factor: signed })).status).toBe(200);
});
