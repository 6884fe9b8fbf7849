import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from 'commander';
import { beforeAll, describe, expect, test } from 'vitest';
import { projectRoot } from '../../scripts/services/project-root.ts';
import { createProgram } from '../../src/cli/program.ts';
import { newOwner } from '../support/keys.ts';
import { useOperatorDesk } from './platform-user-desk.ts';

const { broker, desk } = useOperatorDesk();

let env: Record<string, string>;
beforeAll(() => {
  env = { FLOWPLATE_MASTER_KEY: broker().masterKey };
});

function ownerArgs(): string[] {
  const { user_id, organization_id } = newOwner();
  return ['--user', user_id, '--org', organization_id];
}

const mint = (...args: string[]) => desk().json(['keys', 'mint', ...ownerArgs(), ...args], { env });

function commandAt(path: string): Command {
  return path.split(' ').reduce((command, name) => {
    const found = command.commands.find((child) => child.name() === name);
    if (found === undefined) throw new Error(`no command ${name}`);
    return found;
  }, createProgram());
}

function optionOf(path: string, long: string) {
  const option = commandAt(path).options.find((candidate) => candidate.long === long);
  if (option?.parseArg === undefined) throw new Error(`${path} ${long} is read by nothing`);
  return (text: string) => option.parseArg?.(text, undefined);
}

/** Every option that takes a time, with a command line that has it last. */
const timeOptions: [path: string, long: string, rest: string[]][] = [
  ['keys mint', '--expires-at', ['--user', 'u', '--org', 'o']],
  ['keys refresh', '--expires-at', ['--user', 'u', '--org', 'o']],
  ['keys explain', '--at', ['flk_x']],
  ['keys update', '--expires-at', ['flk_x']],
  ['apikey usage', '--from', ['ak_x']],
  ['apikey usage', '--to', ['ak_x']],
  ['platform traffic list', '--from', []],
  ['platform traffic list', '--to', []],
  ['keys usage', '--from', ['flk_x']],
  ['keys usage', '--to', ['flk_x']],
  ['apikey create', '--expires-at', ['x']],
  ['apikey list', '--unused-since', []],
  ['keys list', '--created-before', []],
  ['keys list', '--created-after', []],
  ['keys list', '--expires-before', []],
  ['keys list', '--unused-since', []],
  ['keys bulk', '--created-before', ['revoke']],
  ['keys bulk', '--created-after', ['revoke']],
  ['keys bulk', '--unused-since', ['revoke']],
  ['masterkeys create', '--expires-at', ['--name', 'x']],
  ['platform audit list', '--from', []],
  ['platform audit list', '--to', []],
  ['platform audit export', '--from', []],
  ['platform audit export', '--to', []],
  ['webhooks replay', '--from', ['whe_x']],
  ['webhooks replay', '--to', ['whe_x']],
];

test('these are all options that take a time', () => {
  const found: string[] = [];
  const look = (command: Command, path: string[]) => {
    for (const { flags, long } of command.options) {
      if (
        !flags.endsWith('<cursor>') &&
        /<(time|date|day)>|--(from|to) |-(at|since|before|after) /.test(flags)
      )
        found.push(`${path.join(' ')} ${long}`);
    }
    for (const child of command.commands) look(child, [...path, child.name()]);
  };
  look(createProgram(), []);
  expect(found.sort()).toEqual(timeOptions.map(([path, long]) => `${path} ${long}`).sort());
});

describe.each(timeOptions)('%s %s', (path, long, rest) => {
  test.each([
    ['2027-01-01junk', 'must be a time such as'],
    ['2027-02-30', 'is not in the calendar: that month has days 01 to 28'],
    ['2027-01-01T00:00:00', 'has no time zone'],
    ['2027-01-01T24:00:00Z', 'is not on the clock'],
    ['2016-12-31T23:59:60Z', 'is a leap second'],
    ['10000-01-01', 'must be a time such as'],
    ['1969-12-31', 'must lie in 1970 to 9999'],
    ['1798761600', 'must be a time such as'],
    ['', 'must be a time such as'],
  ])('refuses %j', (text, said) => {
    expect(() => optionOf(path, long)(text)).toThrow(`It ${said}`);
  });

  test('ends with 2, names itself and what is wrong, and asks nobody, in whatever zone the machine is', async () => {
    const zone = { TZ: 'Pacific/Kiritimati', FLOWPLATE_SERVER: 'http://127.0.0.1:9' };
    const args = [...path.split(' '), ...rest, long, '2027-02-30'];
    const { stdout, stderr, exitCode } = await desk().run(args, { env: { ...env, ...zone } });
    expect([stdout, exitCode]).toEqual(['', 2]);
    expect(stderr).toContain(`option '${long} <time>' argument '2027-02-30' is invalid`);
    expect(stderr).toContain('It is not in the calendar: that month has days 01 to 28.');
  });

  test('says in its help which end of a day it means', () => {
    const option = commandAt(path).options.find((candidate) => candidate.long === long);
    expect(option?.description).toMatch(/a day .*(its beginning|its end), in UTC$/);
  });
});

describe('a time', () => {
  test('means the same everywhere: a day to its end in UTC, a time with its zone, never as the end of 9999', async () => {
    const zone = { env: { ...env, TZ: 'America/Los_Angeles' } };
    for (const [text, end] of [
      ['2098-01-31', '2098-02-01T00:00:00.000Z'],
      ['2098-01-31t12:00:00+02:00', '2098-01-31T10:00:00.000Z'],
      ['9999-12-31T23:59:59Z', '9999-12-31T23:59:59.000Z'],
      ['9999-12-31', '9999-12-31T23:59:59.999Z'],
    ] as const) {
      for (const args of [
        ['keys', 'mint', ...ownerArgs()],
        ['apikey', 'create', 'x', '--platform'],
        ['masterkeys', 'create', '--name', 'x'],
      ]) {
        expect(await desk().json([...args, '--expires-at', text], zone)).toMatchObject({ expires_at: end });
      }
    }
    const { stdout } = await desk().run(['masterkeys', 'list'], zone);
    expect(stdout).toContain(' 9999-12-31T23:59:59Z ');
  });

  test('of a range is a day from its beginning to its end', async () => {
    const { key_id } = await mint();
    const range = ['--from', '2026-03-01', '--to', '2026-03-01', '--granularity', 'day'];
    expect(await desk().json(['keys', 'usage', key_id, ...range], { env })).toMatchObject({
      from: '2026-03-01T00:00:00.000Z',
      to: '2026-03-02T00:00:00.000Z',
    });
    const today = new Date().toISOString().slice(0, 10);
    const log = await desk().json(['platform', 'audit', '--from', today, '--to', today]);
    expect(log.length).toBeGreaterThan(0);
  });
});

describe('--metadata', () => {
  test.each([
    [
      '{"id":1546130668394913822}',
      'id would be changed, since a double cannot hold it: send it as a string.',
    ],
    ['{"a":[{"x":1e400}]}', 'a.0.x would be changed'],
    ['{"plan":"free","plan":"gold"}', 'plan stands twice.'],
    ['{"a":{"b":1,"\\u0062":2}}', 'a.b stands twice.'],
    ['{"a":1', 'It must be a JSON object.'],
    ['[1546130668394913822]', 'It must be a JSON object.'],
  ])('%s is wrong use', async (text, said) => {
    const { stdout, stderr, exitCode } = await desk().run(
      ['keys', 'mint', ...ownerArgs(), '--metadata', text],
      { env },
    );
    expect([stdout, exitCode]).toEqual(['', 2]);
    expect(stderr).toContain("option '--metadata <json>'");
    expect(stderr).toContain(said);
  });

  test('is kept as it was typed', async () => {
    const minted = await mint('--metadata', '{"id":"1546130668394913822","n":1.50,"gr\\u00f6\\u00dfe":1e3}');
    expect(minted.metadata).toEqual({ id: '1546130668394913822', n: 1.5, größe: 1_000 });
  });
});

describe('a number has the limits of the API', () => {
  type Body = {
    properties: Record<string, { properties?: Body['properties']; minimum: number; maximum: number }>;
  };
  type Document = {
    paths: Record<string, Record<string, { requestBody: { content: Record<string, { schema: Body }> } }>>;
  };
  let document: Document;
  beforeAll(async () => {
    document = JSON.parse(await readFile(join(projectRoot, 'docs/openapi.json'), 'utf8'));
  });
  const keysPath = '/v1/flowplate/api-keys';

  test.each([
    ['keys mint', '--ttl-seconds', '%', keysPath, 'ttl_seconds'],
    ['keys refresh', '--ttl-seconds', '%', `${keysPath}/{user_id}/{org_id}/refresh`, 'ttl_seconds'],
    ['keys mint', '--rate-limit', '%/60', keysPath, 'rate_limit.limit'],
    ['keys mint', '--rate-limit', '100/%', keysPath, 'rate_limit.window_seconds'],
    ['keys mint', '--quota', '%/day', keysPath, 'quota.limit'],
    ['keys mint', '--quota', '%/month', keysPath, 'quota.limit'],
    [
      'keys refresh',
      '--grace-period-seconds',
      '%',
      `${keysPath}/{user_id}/{org_id}/refresh`,
      'grace_period_seconds',
    ],
    ['keys verify', '--cost', '%', `${keysPath}/verify`, 'cost'],
    [
      'masterkeys rotate',
      '--overlap-seconds',
      '%',
      '/api/v1/platform/master-keys/{id}/rotate',
      'overlap_seconds',
    ],
    [
      'webhooks rotate-secret',
      '--overlap-seconds',
      '%',
      '/api/v1/platform/webhooks/{id}/rotate-secret',
      'overlap_seconds',
    ],
  ])('%s %s %s', (command, long, form, path, field) => {
    const schema = document.paths[path]?.post?.requestBody.content['application/json']?.schema as Body;
    const [outer = '', inner] = field.split('.');
    const property = schema.properties[outer];
    const { minimum = Number.NaN, maximum = Number.NaN } =
      (inner === undefined ? property : property?.properties?.[inner]) ?? {};
    const read = (number: number) => optionOf(command, long)(form.replace('%', String(number)));
    for (const taken of [minimum, maximum]) expect(JSON.stringify(read(taken))).toContain(String(taken));
    for (const refused of [minimum - 1, maximum + 1, minimum + 0.5]) {
      expect(() => read(refused)).toThrow(`must be a whole number from ${minimum} to ${maximum}.`);
    }
  });

  test('--quota takes the twelve zeros that the API takes, and keeps them', async () => {
    expect(await mint('--quota', '1000000000000/day', '--rate-limit', '1000000000/2678400')).toMatchObject({
      quota: { limit: 1_000_000_000_000, period: 'day' },
      rate_limit: { limit: 1_000_000_000, window_seconds: 2_678_400 },
    });
  });

  test('--limit takes what the API takes: 100, and 1000 of audit events', async () => {
    for (const list of [
      ['keys', 'list'],
      ['apikey', 'list'],
      ['platform', 'tenants', 'list'],
      ['platform', 'users', 'list'],
      ['masterkeys', 'list'],
    ]) {
      expect((await desk().run([...list, '--limit', '100'])).exitCode).toBe(0);
      for (const wrong of ['0', '101']) {
        const { stderr, exitCode } = await desk().run([...list, '--limit', wrong]);
        expect([exitCode, stderr]).toEqual([2, expect.stringContaining('from 1 to 100.')]);
      }
    }
    expect((await desk().run(['platform', 'audit', '--limit', '1000'])).exitCode).toBe(0);
    expect((await desk().run(['platform', 'audit', '--limit', '1001'])).exitCode).toBe(2);
  });
});

describe('what becomes a header', () => {
  test('--reason is written down in any language', async () => {
    await desk().json(['platform', 'tenants', 'provision', '--name', 'Acme']);
    const [{ id }] = await desk().json(['platform', 'tenants', 'list', '--name', 'Acme']);
    const reason = 'Überprüfung für 顧客 🔑';
    const { exitCode } = await desk().run(['--as-org', id, '--reason', reason, 'env', 'list']);
    expect(exitCode).toBe(0);
    const [event] = await desk().json(['platform', 'audit', '--event-type', 'platform.impersonated']);
    expect(event.details.reason).toBe(reason);
  });

  test.each([
    [['--reason', 'a\nb'], 'It must be text without control or invisible characters.'],
    [['--reason', 'x'.repeat(201)], 'It must have at most 200 characters.'],
    [['--as-org', 'a b'], 'It must be the id of an organization'],
    [['--as-org', 'org_日本'], 'It must be the id of an organization'],
    [['--as-org', 'a\nb'], 'It must be the id of an organization'],
  ])('%j is wrong use', async (args, said) => {
    const { stderr, exitCode } = await desk().run([...args, 'env', 'list']);
    expect([exitCode, stderr]).toEqual([2, expect.stringContaining(said)]);
  });
});
