import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { atEnd, endAll } from '../support/at-end.ts';
import { startBroker, type TestBroker } from '../support/broker.ts';
import { tenantKey } from '../support/platform-callers.ts';
import { type Desk, openDesk } from './flowplate.ts';
import { openTerminal, type Terminal } from './terminal.ts';

const password = 'seven purple otters 3042';
const time = String.raw`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ`;

let broker: TestBroker;
let desk: Desk;
let terminal: Terminal;
let firstKey: string;
beforeAll(async () => {
  broker = await startBroker();
  atEnd(() => broker.close());
  firstKey = (await tenantKey(broker, 'org_first')).secret;
  desk = await openDesk(broker.url);
  terminal = await openTerminal(desk);
});
afterAll(endAll);

async function answerPassword(line: string): Promise<string> {
  const from = terminal.screen().length;
  const output = terminal.command(line);
  await expect.poll(() => terminal.screen().slice(from)).toContain('Password: ');
  terminal.type(password);
  return output;
}

/** Columns however wide, and nothing else on the line. */
function row(...cells: string[]): RegExp {
  return new RegExp(`^${cells.join(' +')}$`, 'm');
}

test('the tutorial of the platform, typed from its first line to its last', async () => {
  const created = await answerPassword(
    `FLOWPLATE_API_KEY="${firstKey}" flowplate platform create-admin --email admin@example.com --name "Platform Admin"`,
  );
  expect(created).toMatch(
    /^Password: \*{8}\nCreated platform admin: admin@example\.com \(id: puser_[0-9A-Za-z]+\)$/,
  );

  const loggedIn = await answerPassword('flowplate platform login --email admin@example.com');
  expect(loggedIn).toMatch(
    new RegExp(String.raw`^Password: \*{8}\nLogged in as admin@example\.com \(expires: ${time}\)$`),
  );
  const file = join(desk.home, '.config/flowplate/credentials.json');
  expect(await readFile(file, 'utf8')).toContain('admin@example.com');
  expect((await stat(file)).mode & 0o777).toBe(0o600);

  expect(await terminal.command('flowplate apikey create my-automation-key --platform')).toMatch(
    /^Created Platform Key: my-automation-key \(id: ak_[0-9A-Za-z]+\)\nKey: flplatform_[0-9A-Za-z]{46}\nSave this key — it will not be shown again\.$/,
  );

  const provisioned = await terminal.command('flowplate platform tenants provision --name "Acme Corp"');
  expect(provisioned).toMatch(/^Provisioned tenant: Acme Corp \(id: org_[0-9A-Za-z]+\)$/);
  const [org = ''] = /org_[0-9A-Za-z]+/.exec(provisioned) ?? [];

  const tenants = await terminal.command('flowplate platform tenants list');
  expect(tenants).toMatch(row('ID', 'NAME', 'CREATED'));
  expect(tenants).toMatch(row(org, 'Acme Corp', time));

  const environments = await terminal.command(`flowplate --as-org ${org} env list`);
  expect(environments).toMatch(row('ID', 'NAME', 'CREATED'));
  expect(environments).toMatch(row('env_[0-9A-Za-z]+', 'default', time));

  const audit = await terminal.command('flowplate platform audit');
  expect(audit).toMatch(row('ID', 'EVENT_TYPE', 'SCOPE', 'CREATED_AT'));
  for (const type of ['platform.user.created', 'platform.key.created', 'platform.impersonated']) {
    expect(audit).toMatch(row('evt_[0-9A-Za-z]+', type, 'platform', time));
  }

  const day = new Date().toISOString().slice(0, 10);
  const json = await terminal.command(
    `flowplate platform audit --event-type platform.impersonated --from ${day} --limit 50 --json`,
  );
  expect(JSON.parse(json)).toEqual([
    expect.objectContaining({ event_type: 'platform.impersonated', on_behalf_of: org, scope: 'platform' }),
  ]);
});

test('a password is in nothing that the terminal ever showed', () => {
  expect(terminal.screen()).not.toContain(password);
  expect(terminal.screen()).not.toContain(password.slice(0, 6));
});

test('Ctrl-C at the question leaves with 130 and asks the server nothing', async () => {
  const from = terminal.screen().length;
  const output = terminal.command('flowplate platform login --email admin@example.com; echo "ended with $?"');
  await expect.poll(() => terminal.screen().slice(from)).toContain('Password: ');
  terminal.press('\u0003');
  expect(await output).toBe('Password: \nended with 130');
});
