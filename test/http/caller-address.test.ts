import type { IncomingMessage } from 'node:http';
import { describe, expect, test } from 'vitest';
import { addressReader } from '../../src/http/caller-address.ts';
import vectors from '../vectors/ip-address.json' with { type: 'json' };

const trusted = ['10.0.0.0/8', '2001:db8:ffff::/48'];

/** Address of a request from `peer` with this `X-Forwarded-For`. */
function read(peer: string | undefined, forwardedFor?: string, proxies = trusted): string | undefined {
  const headers = forwardedFor === undefined ? {} : { 'x-forwarded-for': forwardedFor };
  return addressReader(proxies)({ socket: { remoteAddress: peer }, headers } as IncomingMessage);
}

describe('without trusted proxies', () => {
  test.each([
    ['203.0.113.7', '203.0.113.7'],
    ['::ffff:203.0.113.7', '203.0.113.7'],
    ['2001:db8::7', '2001:db8::7'],
    ['fe80::1%eth0', undefined],
    [undefined, undefined],
  ])('the connection from %s says %s, and no header counts', (peer, address) => {
    expect(read(peer, undefined, [])).toBe(address);
    expect(read(peer, '198.51.100.1', [])).toBe(address);
  });
});

describe('behind trusted proxies', () => {
  test.each<[peer: string | undefined, forwardedFor: string | undefined, address: string | undefined]>([
    // No proxy of ours: its header is its own invention.
    ['203.0.113.7', '198.51.100.1', '203.0.113.7'],
    ['fe80::1%eth0', '198.51.100.1', undefined],
    [undefined, '198.51.100.1', undefined],
    // One proxy.
    ['10.0.0.1', undefined, '10.0.0.1'],
    ['10.0.0.1', '198.51.100.1', '198.51.100.1'],
    ['::ffff:10.0.0.1', '198.51.100.1', '198.51.100.1'],
    ['2001:db8:ffff::1', '198.51.100.1', '198.51.100.1'],
    ['10.0.0.1', '192.0.2.66, 198.51.100.1', '198.51.100.1'],
    ['10.0.0.1', '  198.51.100.1\t', '198.51.100.1'],
    // Ports, brackets and quotes, in any hop.
    ['10.0.0.1', '198.51.100.1:51234', '198.51.100.1'],
    ['10.0.0.1', '[2001:db8::5]:443', '2001:db8::5'],
    ['10.0.0.1', '"[2001:db8::5]:443"', '2001:db8::5'],
    ['10.0.0.1', '::ffff:198.51.100.1', '198.51.100.1'],
    ['10.0.0.1', '198.51.100.1:51234, 10.0.0.2:443', '198.51.100.1'],
    ['10.0.0.1', '198.51.100.1, "[2001:db8:ffff::2]:443", [::ffff:10.0.0.3]:80', '198.51.100.1'],
    ['10.0.0.1', '192.0.2.66, 198.51.100.1:51234, 10.0.0.2:443', '198.51.100.1'],
    // All hops are proxies: the first one is the caller.
    ['10.0.0.1', '10.0.0.3:1, 10.0.0.2:2', '10.0.0.3'],
    // A hop that is no address: who called is unknown, and neither side of it stands in.
    ['10.0.0.1', '', undefined],
    ['10.0.0.1', 'unknown', undefined],
    ['10.0.0.1', '_hidden', undefined],
    ['10.0.0.1', '198.51.100.1, unknown', undefined],
    ['10.0.0.1', '198.51.100.1,', undefined],
    ['10.0.0.1', '198.51.100.1, unknown, 10.0.0.2', undefined],
    ['10.0.0.1', '198.51.100.1, fe80::1%eth0', undefined],
    ['10.0.0.1', '198.51.100.1, 010.0.0.2', undefined],
    // Beyond the first untrusted hop nothing is read.
    ['10.0.0.1', 'unknown, 198.51.100.1', '198.51.100.1'],
  ])('from %s with %j it is %s', (peer, forwardedFor, address) => {
    expect(read(peer, forwardedFor)).toBe(address);
  });

  test.each(vectors.addresses)('a last hop %j is %s', (hop, address) => {
    expect(read('10.0.0.1', `192.0.2.66, ${hop}`, ['10.0.0.1'])).toBe(address);
  });

  test.each(vectors.none.filter((hop) => !hop.includes(',')))('a last hop %j is nobody', (hop) => {
    expect(read('10.0.0.1', `192.0.2.66, ${hop}`, ['0.0.0.0/0'])).toBeUndefined();
  });

  test('every address can be trusted', () => {
    expect(read('203.0.113.7', '192.0.2.1, 2001:db8::5', ['0.0.0.0/0', '::/0'])).toBe('192.0.2.1');
  });
});
