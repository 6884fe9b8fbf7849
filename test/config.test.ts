import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { configSchema, readConfig } from '../src/config.ts';
import { secretSettings } from '../src/secret-files.ts';
import { atEnd, endAll } from './support/at-end.ts';
import { startScript } from './support/processes.ts';

afterAll(endAll);

const pepper = (id: string, bytes = 32) => `${id}:${randomBytes(bytes).toString('base64url')}`;
const good = {
  DATABASE_URL: 'postgres://app:pass-word@db:5432/flowplate',
  REDIS_URL: 'redis://:pass-word@cache:6379/0',
  FLOWPLATE_PEPPERS: pepper('p1'),
};

function faultOf(env: Record<string, string | undefined>): string {
  try {
    readConfig(env);
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error('it was accepted');
}

describe('what is given is read', () => {
  test('with the defaults for all that may be absent, and frozen', () => {
    const config = readConfig(good);
    expect(config).toMatchObject({
      HOST: '127.0.0.1',
      FLOWPLATE_ENV: 'prod',
      LEASE_MS: 15_000,
      TRUSTED_PROXIES: [],
    });
    expect(Object.isFrozen(config)).toBe(true);
  });

  test('a setting that is empty counts as absent', () => {
    expect(readConfig({ ...good, FLOWPLATE_MASTER_KEY: '', PORT: '' })).toMatchObject({ PORT: 9123 });
    expect(faultOf({ ...good, FLOWPLATE_PEPPERS: '' })).toContain('FLOWPLATE_PEPPERS');
  });

  test('peppers in their order, the first being the current one', () => {
    const peppers = [pepper('new', 64), pepper('old'), pepper('older')].join(', ');
    const { FLOWPLATE_PEPPERS } = readConfig({ ...good, FLOWPLATE_PEPPERS: peppers });
    expect(FLOWPLATE_PEPPERS.map(({ id }) => id)).toEqual(['new', 'old', 'older']);
  });

  test('trusted proxies, all of the internet too', () => {
    const { TRUSTED_PROXIES } = readConfig({ ...good, TRUSTED_PROXIES: '10.0.0.0/8,::1,0.0.0.0/0' });
    expect(TRUSTED_PROXIES).toEqual(['10.0.0.0/8', '::1', '0.0.0.0/0']);
  });

  test.each([
    'postgres://db/flowplate',
    'postgresql://app@[::1]:5432/flowplate?sslmode=require',
    'postgres://app:pass-word@one:5432,two:5433,three/flowplate?target_session_attrs=read-write',
  ])('the address %s', (DATABASE_URL) => {
    expect(readConfig({ ...good, DATABASE_URL })).toMatchObject({ DATABASE_URL });
  });
});

/** Stands in every refused value; no message may repeat it. */
const canary = 'canary0canary0canary';

describe('refused in one line that names the setting and never its value', () => {
  const short = Buffer.from(canary).toString('base64url');
  const cases: Array<[setting: string, what: string, value: string | undefined]> = [
    ['FLOWPLATE_PEPPERS', 'none', undefined],
    ['FLOWPLATE_PEPPERS', 'one that is too short', `p1:${short}`],
    ['FLOWPLATE_PEPPERS', 'a second one that is too short', `${pepper('p1')},p2:${short}`],
    ['FLOWPLATE_PEPPERS', 'one without an id', `${canary}${canary}${canary}`],
    ['FLOWPLATE_PEPPERS', 'one that is not base64url', `p1:${canary}+/=${canary}${canary}`],
    ['FLOWPLATE_PEPPERS', 'an id of odd characters', `p_1:${canary.repeat(4)}`],
    ['FLOWPLATE_PEPPERS', 'the same id twice', `p1:${canary.repeat(4)},${pepper('p1')}`],
    ['FLOWPLATE_PEPPERS', 'an empty entry', `${pepper('p1')},`],
    ['FLOWPLATE_MASTER_KEY', 'one that is too short', canary],
    ['DATABASE_URL', 'none', undefined],
    ['DATABASE_URL', 'another scheme', `mysql://app:${canary}@db/flowplate`],
    ['DATABASE_URL', 'no scheme', `${canary}:5432/flowplate`],
    ['DATABASE_URL', 'what is no URL', `postgres://app:${canary}@db:port/flowplate`],
    ['DATABASE_URL', 'a second host that is none', `postgres://app:${canary}@db:5432,db:port/flowplate`],
    ['DATABASE_URL', 'a host without a name', `postgres://app:${canary}@db,,other/flowplate`],
    [
      'DATABASE_URL',
      'a kind of server that cannot work',
      `postgres://app:${canary}@db/flowplate?target_session_attrs=standby`,
    ],
    ['DATABASE_DIRECT_URL', 'another scheme', `mysql://app:${canary}@db/flowplate`],
    ['REDIS_URL', 'none', undefined],
    ['REDIS_URL', 'another scheme', `http://:${canary}@cache`],
    ['REDIS_URL', 'what is no URL', `redis://:${canary}@cache:port`],
    ['REDIS_URL', 'several servers of no kind', `redis://:${canary}@a:1,b:2/0`],
    ['REDIS_URL', 'a Cluster with a database', `redis+cluster://:${canary}@a:1,b:2/3`],
    ['REDIS_URL', 'sentinels without a master name', `redis+sentinel://:${canary}@a:1,b:2`],
    ['QUEUE_REDIS_URL', 'another scheme', `${canary}://cache`],
    ['QUEUE_REDIS_URL', 'a server that is none', `rediss+cluster://:${canary}@a:1,,b`],
    ['REDIS_CA_FILE', 'a file that is not there', `/nowhere/${canary}`],
    ['REDIS_CA_FILE', 'a file that is no PEM', join(import.meta.dirname, '..', 'package.json')],
    ['FLOWPLATE_ENV', 'one that is no slug', `${canary}-PROD`],
    ['LOG_LEVEL', 'one that is unknown', canary],
    ['PORT', 'what is no number', canary],
    ['PORT', 'one that is too high', '70000'],
    ['LISTEN_SOCKET', 'a path that is not absolute', canary],
    ['LISTEN_SOCKET', 'a path that is too long', `/${canary.padEnd(107, 'x')}`],
    ['LEASE_MS', 'one that is too short', '100'],
    ['LEASE_MS', 'a fraction', '15000.5'],
    ['TRUSTED_PROXIES', 'a name', `10.0.0.0/8,${canary}`],
    ['TRUSTED_PROXIES', 'a zone', `10.0.0.0/8,fe80::1%${canary}`],
    ['TRUSTED_PROXIES', 'a mask with a leading zero', '10.0.0.0/08'],
    ['TRUSTED_PROXIES', 'a mask that is too long', '10.0.0.0/33'],
    ['TRUSTED_PROXIES', 'a mask that is empty', '192.0.2.0/'],
    ['TRUSTED_PROXIES', 'a port', '10.0.0.1:443'],
    ['VERIFY_CONNECTIONS_MAX', 'none at all', '0'],
    ['USAGE_HOURS_DAYS', 'a negative one', '-1'],
    ['PUBLIC_URL', 'one in plain text over the network', `http://${canary}.example.com`],
    ['PUBLIC_URL', 'one with a path', `https://${canary}.example.com/keys`],
    ['OIDC_ISSUER', 'one in plain text over the network', `http://${canary}.example.com`],
    ['OIDC_ISSUER', 'one with a password', `https://user:${canary}@login.example.com`],
    ['OIDC_SCOPES', 'without openid', canary],
    ['OIDC_ROLES', 'a group without roles', canary],
    ['OIDC_ROLES', 'a role that is none', `${canary}=admin`],
    ['OIDC_ROLES', 'a role without a group', '=role_platform_admin'],
    ['OIDC_ROLES', 'a group that stands there twice', `${canary}=role_a;${canary}=role_b`],
    ['OIDC_ROLES', 'nothing but separators', ' ; '],
    ['PASSWORD_LOGIN', 'one that is unknown', canary],
  ];

  test.each(cases)('%s: %s', (setting, _what, value) => {
    const fault = faultOf({ ...good, [setting]: value });
    expect(fault.split('\n')).toHaveLength(1);
    const named = Object.keys(configSchema.shape).filter((name) => new RegExp(`\\b${name}\\b`).test(fault));
    expect(named).toEqual([setting]);
    for (const secret of [canary, value, good.FLOWPLATE_PEPPERS])
      if (secret) expect(fault).not.toContain(secret);
  });

  test('all that is wrong is named at once', () => {
    const fault = faultOf({ PORT: canary, LOG_LEVEL: canary });
    for (const name of ['DATABASE_URL', 'REDIS_URL', 'FLOWPLATE_PEPPERS', 'PORT', 'LOG_LEVEL']) {
      expect(fault).toContain(name);
    }
    expect(fault).not.toContain(canary);
  });
});

describe('Redis over TLS', () => {
  const pem = () => {
    const path = join(mkdtempSync(join(tmpdir(), 'flowplate-test-')), 'some.pem');
    atEnd(() => rmSync(dirname(path), { recursive: true }));
    writeFileSync(path, '-----BEGIN CERTIFICATE-----\n');
    return path;
  };
  const REDIS_URL = 'rediss+cluster://:pass-word@a:7000,b:7000';

  test('takes an own authority and a client certificate from files', () => {
    const config = readConfig({
      ...good,
      REDIS_URL,
      REDIS_CA_FILE: pem(),
      REDIS_CERT_FILE: pem(),
      REDIS_KEY_FILE: pem(),
    });
    expect(config.REDIS_CA_FILE).toContain('-----BEGIN');
    expect(config.REDIS_KEY_FILE).toContain('-----BEGIN');
  });

  test('is also that of the queue alone', () => {
    const queue = { ...good, QUEUE_REDIS_URL: 'rediss://jobs', REDIS_CA_FILE: pem() };
    expect(readConfig(queue).REDIS_CA_FILE).toContain('-----BEGIN');
  });

  test('needs a certificate and its key together', () => {
    const words = 'REDIS_CERT_FILE and REDIS_KEY_FILE need each other';
    expect(faultOf({ ...good, REDIS_URL, REDIS_CERT_FILE: pem() })).toContain(words);
    expect(faultOf({ ...good, REDIS_URL, REDIS_KEY_FILE: pem() })).toContain(words);
  });

  test('is not thought to be there where no URL has it', () => {
    const fault = faultOf({ ...good, REDIS_CA_FILE: pem() });
    expect(fault).toContain('REDIS_CA_FILE is set, and neither Redis URL is rediss');
  });
});

describe('a secret in a file', () => {
  const { FLOWPLATE_PEPPERS, ...others } = good;
  const file = (text: string) => {
    const path = join(mkdtempSync(join(tmpdir(), 'flowplate-test-')), 'secret');
    atEnd(() => rmSync(dirname(path), { recursive: true }));
    writeFileSync(path, text);
    return path;
  };

  test.each(['', '\n', '\r\n'])('is read, without the line end %j', (lineEnd) => {
    const config = readConfig({ ...others, FLOWPLATE_PEPPERS_FILE: file(FLOWPLATE_PEPPERS + lineEnd) });
    expect(config.FLOWPLATE_PEPPERS.map(({ id }) => id)).toEqual(['p1']);
  });

  test('stands for every setting that holds a secret', () => {
    const secrets = {
      ...good,
      DATABASE_DIRECT_URL: 'postgres://app:pass-word@primary:5432/flowplate',
      QUEUE_REDIS_URL: 'redis://:pass-word@jobs:6379/0',
      FLOWPLATE_MASTER_KEY: canary + canary,
      OIDC_CLIENT_SECRET: canary,
      LEAK_REPORTERS: `scanner:${'s'.repeat(43)}`,
      JOURNAL_BUCKET_SECRET_ACCESS_KEY: canary,
    };
    const files = Object.entries(secrets).map(([name, value]) => [`${name}_FILE`, file(value)]);
    expect(readConfig(Object.fromEntries(files))).toMatchObject(readConfig(secrets));
    expect(Object.keys(secrets).sort()).toEqual([...secretSettings].sort());
  });

  test.each([
    ['beside the setting itself', { FLOWPLATE_PEPPERS, FLOWPLATE_PEPPERS_FILE: '/nowhere' }, /both set/],
    ['that is not there', { FLOWPLATE_PEPPERS_FILE: '/nowhere/at/all' }, /cannot be read \(ENOENT\)/],
    ['that is a directory', { FLOWPLATE_PEPPERS_FILE: tmpdir() }, /cannot be read \(EISDIR\)/],
  ])('is refused %s', (_, env, fault) => {
    expect(faultOf({ ...others, ...env })).toMatch(/FLOWPLATE_PEPPERS_FILE/);
    expect(faultOf({ ...others, ...env })).toMatch(fault);
  });

  test('is refused when it is empty or invalid, and its text is not repeated', () => {
    expect(faultOf({ ...others, FLOWPLATE_PEPPERS_FILE: file('\n') })).toMatch(/empty file/);
    const fault = faultOf({ ...others, FLOWPLATE_PEPPERS_FILE: file(canary) });
    expect(fault).toContain('FLOWPLATE_PEPPERS');
    expect(fault).not.toContain(canary);
  });
});

describe('sign-in with an identity provider', () => {
  const provider = {
    ...good,
    PUBLIC_URL: 'https://keys.example.com',
    OIDC_ISSUER: 'https://login.example.com/realms/company',
    OIDC_CLIENT_ID: 'flowplate',
    OIDC_ROLES: 'a=role_platform_admin',
  };

  test('reads groups with any name, also a distinguished name, and their roles', () => {
    const OIDC_ROLES = ' keys admins = role_platform_admin; CN=ops,OU=keys=role_x, role_y ;';
    expect([...(readConfig({ ...provider, OIDC_ROLES }).OIDC_ROLES ?? [])]).toEqual([
      ['keys admins', ['role_platform_admin']],
      ['CN=ops,OU=keys', ['role_x', 'role_y']],
    ]);
  });

  test('asks for openid, profile and email, and looks for `groups`, unless told otherwise', () => {
    expect(readConfig(provider)).toMatchObject({
      OIDC_SCOPES: 'openid profile email',
      OIDC_GROUPS_CLAIM: 'groups',
      PASSWORD_LOGIN: 'on',
    });
  });

  test.each(['OIDC_CLIENT_ID', 'OIDC_ROLES', 'PUBLIC_URL'])('is not half set up: without %s', (name) => {
    expect(faultOf({ ...provider, [name]: undefined })).toBe(
      `Configuration: ${name} is missing, which OIDC_ISSUER needs`,
    );
  });

  test('is there before passwords are for emergencies', () => {
    expect(faultOf({ ...good, PASSWORD_LOGIN: 'break-glass' })).toContain('needs OIDC_ISSUER');
    expect(readConfig({ ...provider, PASSWORD_LOGIN: 'break-glass' }).PASSWORD_LOGIN).toBe('break-glass');
  });
});

test.each(['src/main.ts', 'workers/main.ts'])(
  '%s exits with 1 and says why in one JSON line',
  async (script) => {
    const process = await startScript(script, { env: { ...good, FLOWPLATE_PEPPERS: `p1:${canary}` } });
    expect((await process.exited).code).toBe(1);
    const lines = process
      .stderr()
      .split('\n')
      .filter((line) => line !== '');
    expect(lines).toHaveLength(1);
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      level: 'fatal',
      msg: expect.stringContaining('FLOWPLATE_PEPPERS'),
    });
    expect(process.stdout() + process.stderr()).not.toContain(canary);
  },
);
