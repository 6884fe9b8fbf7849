import { describe, expect, test } from 'vitest';
import { parseDatabaseUrl, readDatabaseUrl } from '../../src/domain/database-url.ts';

describe('a URL of Postgres is parsed', () => {
  test('several hosts, each with its own port, and none of what pg does not know', () => {
    expect(
      parseDatabaseUrl(
        'postgres://app:p%40ss@one:6432,two/keys?sslmode=require&target_session_attrs=read-write',
      ),
    ).toEqual({
      hosts: [
        { url: 'postgres://app:p%40ss@one:6432/keys?sslmode=require', host: 'one', port: 6432 },
        { url: 'postgres://app:p%40ss@two/keys?sslmode=require', host: 'two', port: 5432 },
      ],
      wants: 'read-write',
      database: 'keys',
    });
  });

  test.each([
    ['a single host', 'postgres://one/keys', [['one', 5432]]],
    [
      'addresses of IPv6',
      'postgres://[::1]:1,[::2]:2/keys',
      [
        ['[::1]', 1],
        ['[::2]', 2],
      ],
    ],
    [
      'a password with a comma and an at sign',
      'postgres://app:a,b@c@one,two/keys',
      [
        ['one', 5432],
        ['two', 5432],
      ],
    ],
    ['a socket', 'postgres:///keys?host=/run/postgresql', [['', 5432]]],
  ])('%s', (_what, url, hosts) => {
    const parsed = readDatabaseUrl(url);
    expect(parsed.hosts.map(({ host, port }) => [host, port])).toEqual(hosts);
    expect(parsed.wants).toBe('any');
  });

  test('other parameters stay as they were written', () => {
    const { hosts } = readDatabaseUrl('postgres://one/keys?target_session_attrs=any&options=-c%20a%3Db');
    expect(hosts[0].url).toBe('postgres://one/keys?options=-c%20a%3Db');
  });
});

test.each([
  ['another scheme', 'mysql://app:canary@one/keys'],
  ['no port', 'postgres://app:canary@one:port/keys'],
  ['no port of a later host', 'postgres://app:canary@one:1,two:port/keys'],
  ['a host without a name', 'postgres://app:canary@one,,two/keys'],
  ['several hosts beside a parameter', 'postgres://app:canary@one,two/keys?host=three'],
  ['servers that cannot take changes', 'postgres://app:canary@one/keys?target_session_attrs=standby'],
])('%s is a fault that repeats nothing of the URL', (_what, url) => {
  expect(parseDatabaseUrl(url)).toEqual({ fault: expect.not.stringContaining('canary') });
  expect(() => readDatabaseUrl(url)).toThrow(/^The URL of the database (?!.*canary)/);
});
