import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { auditEventsOf } from '../../support/audit-events.ts';
import { startBroker, type TestBroker } from '../../support/broker.ts';
import type { Answer } from '../../support/call.ts';
import { expectError } from '../../support/errors.ts';
import { bootstrapped, goodPassword, type LoggedIn, platformUser } from '../../support/platform-users.ts';
import { stopClock } from '../../support/walk-clock.ts';

/** Five wrong ones cost nothing; the sixth is answered as well, and begins the first wait. */
const answeredMax = 6;
const guesses = 125;

let broker: TestBroker;
let root: LoggedIn;
beforeAll(async () => {
  broker = await startBroker({ TRUSTED_PROXIES: '127.0.0.0/8,10.0.0.0/8' });
  root = await bootstrapped(broker);
});
afterAll(() => broker.close());

type Login = 'auth/login' | 'session';

/** A login by way of a proxy of ours, which says where it came from. */
function logInFrom(from: string, email: string, password: string, at: Login = 'auth/login'): Promise<Answer> {
  const ownPage = { 'x-flowplate-portal': '1', 'sec-fetch-site': 'same-origin', origin: broker.url };
  const headers = { 'x-forwarded-for': from, ...(at === 'session' && ownPage) };
  return broker.call(`POST /api/v1/platform/${at}`, { as: null, headers, body: { email, password } });
}

/** The statuses of that many wrong logins, one after the other. */
async function guess(email: string, from: (index: number) => string, at?: Login): Promise<number[]> {
  const statuses: number[] = [];
  for (let index = 0; index < guesses; index++) {
    statuses.push((await logInFrom(from(index), email, `wrong password ${index}`, at)).status);
  }
  return statuses;
}

const hex = (value: number) => value.toString(16);
const oneOf = (texts: string[], index: number) => texts[index % texts.length] ?? '';
const mapped = ['203.0.113.7', '::ffff:203.0.113.7', '::FFFF:cb00:7107', '[::ffff:203.0.113.7]:51234'];

const places: Array<[what: string, from: (index: number) => string]> = [
  ['one IPv4 address', () => '203.0.113.7'],
  ['the ports of one address', (index) => `203.0.113.7:${50_000 + index}`],
  ['the ports of one address, and of a proxy', (index) => `203.0.113.7:${50_000 + index}, 10.0.0.2:${index}`],
  ['quotes and blanks around one address', (index) => oneOf([' "203.0.113.7"', '203.0.113.7\t'], index)],
  ['IPv4-mapped spellings of one address', (index) => oneOf(mapped, index)],
  ['the end of one /64', (index) => `2001:db8:1:2::${hex(index)}`],
  ['the width of one /64', (index) => `2001:db8:1:2:${hex(index * 523)}:${hex(index * 331)}:0:1`],
  ['one /64 in brackets, with ports', (index) => `[2001:DB8:1:2::${hex(index)}]:${50_000 + index}`],
  ['no address at all', (index) => oneOf(['unknown', '_hidden', `fe80::${hex(index)}%eth0`], index)],
];

describe('from one place the seventh wrong password in a row is refused unread', () => {
  test.each(places)('from %s', async (_what, from) => {
    const { email } = await platformUser(broker, root);
    stopClock(broker);
    const statuses = await guess(email, from);
    expect(statuses.filter((status) => status === 401)).toHaveLength(answeredMax);
    expect(statuses.slice(answeredMax)).toEqual(Array(guesses - answeredMax).fill(429));
    expectError(await logInFrom(from(guesses), email, goodPassword), 429, 'TOO_MANY_ATTEMPTS');
  });

  test('at the login of the portal too', async () => {
    const { email } = await platformUser(broker, root);
    stopClock(broker);
    const statuses = await guess(email, (index) => `[2001:db8:1:3::${hex(index)}]:${index}`, 'session');
    expect(statuses.filter((status) => status !== 429)).toHaveLength(answeredMax);
  });
});

test('the owner of the account logs in meanwhile from another place, also with a port', async () => {
  const { email } = await platformUser(broker, root);
  stopClock(broker);
  await guess(email, (index) => `2001:db8:1:4::${hex(index)}`);
  expect((await logInFrom('2001:db8:1:5::1', email, goodPassword)).status).toBe(200);
  expect((await logInFrom('198.51.100.1:51234', email, goodPassword)).status).toBe(200);
});

test('the audit log has the address in one spelling, beside the seal and not in the details', async () => {
  const user = await platformUser(broker, root);
  for (const from of ['"[2001:DB8:0:0::5]:443"', '[::ffff:203.0.113.9]:51234', 'unknown']) {
    expect((await logInFrom(from, user.email, goodPassword)).status).toBe(200);
  }
  expect((await logInFrom('198.51.100.1:51234', user.email, 'wrong password')).status).toBe(401);
  const events = (await auditEventsOf(broker, { targetId: user.id })).filter(({ event_type }) =>
    event_type.startsWith('platform.login.'),
  );
  expect(JSON.stringify(events.map(({ details }) => details))).not.toMatch(/203\.0|198\.51|2001:|127\.0/);
  const addresses = events.map(({ client_address }) => client_address);
  // The first login is that of the helper that made the user, straight from this machine.
  expect(addresses).toEqual(['127.0.0.1', '2001:db8::5', '203.0.113.9', null, '198.51.100.1']);
});
