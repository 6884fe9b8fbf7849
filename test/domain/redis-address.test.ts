import { describe, expect, test } from 'vitest';
import { InvalidRedisAddress, parseRedisAddress } from '../../src/domain/redis-address.ts';

const nobody = { username: undefined, password: undefined };

describe('one server', () => {
  test.each([
    ['redis://cache', false, 'cache', 6379],
    ['redis://:pass@cache:6380/3', false, 'cache', 6380],
    ['rediss://user:pass@[::1]:6390/0?family=6', true, '::1', 6390],
    ['rediss://cache.example.com', true, 'cache.example.com', 6379],
  ])('%s keeps its URL', (url, isTls, host, port) => {
    expect(parseRedisAddress(url)).toEqual({ kind: 'single', url, isTls, hosts: [{ host, port }] });
  });
});

describe('a Sentinel group', () => {
  test('has its sentinels, the name of its master and no database but 0', () => {
    expect(parseRedisAddress('redis+sentinel://a:1,b:2,[fe80::1]/mymaster')).toEqual({
      kind: 'sentinel',
      isTls: false,
      hosts: [
        { host: 'a', port: 1 },
        { host: 'b', port: 2 },
        { host: 'fe80::1', port: 26_379 },
      ],
      masterName: 'mymaster',
      database: 0,
      ...nobody,
      sentinelLogin: nobody,
    });
  });

  test('has users of Redis and of the sentinels, and a database', () => {
    const url =
      'rediss+sentinel://app:p%40ss,%2F@s1/main%20one/5?sentinel_username=watch&sentinel_password=w%26w';
    expect(parseRedisAddress(url)).toEqual({
      kind: 'sentinel',
      isTls: true,
      hosts: [{ host: 's1', port: 26_379 }],
      masterName: 'main one',
      database: 5,
      username: 'app',
      password: 'p@ss,/',
      sentinelLogin: { username: 'watch', password: 'w&w' },
    });
  });
});

describe('a Cluster', () => {
  test.each(['', '/', '/0'])('has its first nodes, with the path "%s"', (path) => {
    expect(parseRedisAddress(`rediss+cluster://:secret@n1.example:7001,10.0.0.2${path}`)).toEqual({
      kind: 'cluster',
      isTls: true,
      hosts: [
        { host: 'n1.example', port: 7001 },
        { host: '10.0.0.2', port: 6379 },
      ],
      username: undefined,
      password: 'secret',
    });
  });
});

describe('refused, without a word of it', () => {
  test.each([
    ['', 'must be a redis://'],
    ['http://cache', 'must be a redis://'],
    ['redis+cache://h', 'must be a redis://'],
    ['REDIS://h', 'must be a redis://'],
    ['redis://a:1,b:2/0', 'must name one server'],
    ['redis://', '<host>:<port>'],
    ['redis://h:99999', 'must be a URL'],
    ['redis+cluster://', '<host>:<port>'],
    ['redis+cluster://a,,b', '<host>:<port>'],
    ['redis+cluster://a:0', '<host>:<port>'],
    ['redis+cluster://a:70000', '<host>:<port>'],
    ['redis+cluster://a:x1', '<host>:<port>'],
    ['redis+cluster://a b', '<host>:<port>'],
    ['redis+cluster://::1', '<host>:<port>'],
    ['redis+cluster://a@b@c', 'must be a redis://'],
    ['redis+cluster://a:7000/1', 'must have no database'],
    ['redis+cluster://a:7000?family=6', 'must have no query'],
    ['redis+cluster://a:7000#x', 'must be a redis://'],
    ['redis+cluster://u:%zz@a', 'percent-encoded'],
    ['redis+sentinel://a:1', '/<master name>'],
    ['redis+sentinel://a:1/', '/<master name>'],
    ['redis+sentinel://a:1/m/0/x', '/<master name>'],
    ['redis+sentinel://a:1/m/one', 'a number as its database'],
    ['redis+sentinel://a:1/m/99999', 'a number as its database'],
    ['redis+sentinel://a:1/m?password=x', 'no query but'],
    ['redis+sentinel://a:1/%zz', 'percent-encoded'],
  ])('%s', (text, words) => {
    const read = () => parseRedisAddress(text);
    expect(read).toThrow(InvalidRedisAddress);
    expect(read).toThrow(words);
  });

  test('a password is not repeated', () => {
    for (const url of ['redis+cluster://:s3cret@', 'redis+x://:s3cret@a', 'redis+sentinel://:s3cret@a/m/x'])
      expect(() => parseRedisAddress(url)).toThrow(
        expect.objectContaining({ message: expect.not.stringContaining('s3cret') }),
      );
  });
});
