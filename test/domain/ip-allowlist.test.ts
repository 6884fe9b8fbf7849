import { BlockList, isIPv4 } from 'node:net';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isIpAllowed, isIpRange } from '../../src/domain/ip-allowlist.ts';
import vectors from '../vectors/ip-address.json' with { type: 'json' };

describe('a range', () => {
  test.each([
    '10.0.0.1',
    '10.0.0.0/8',
    '0.0.0.0/0',
    '255.255.255.255/32',
    '::',
    '::/0',
    '2001:db8::/32',
    '2001:db8::1/128',
    '2001:DB8::/32',
    '::ffff:10.0.0.1',
    '::ffff:10.0.0.0/104',
    '::ffff:0:0/96',
  ])('%s is one', (text) => {
    expect(isIpRange(text)).toBe(true);
  });

  test.each([
    '',
    '/',
    '/8',
    '10.0.0.0/',
    '10.0.0.0/33',
    '10.0.0.0/-1',
    '10.0.0.0/8/8',
    '10.0.0.0/ 8',
    '10.0.0.0/8.0',
    '10.0.0.0/+8',
    '10.0.0.0/08',
    '10.0.0.0/008',
    '10.0.0.0/00',
    '10.0.0.0/8 ',
    ' 10.0.0.0/8',
    '10.0.0.0/0x8',
    '10.0.0.0/255.0.0.0',
    '2001:db8::/032',
    '2001:db8::/',
    'fe80::1%eth0',
    'fe80::%eth0/64',
    'fe80::/64%eth0',
    '10.0.0.1%eth0',
    '10.0.0.1:443',
    '"10.0.0.1"',
    '::ffff:10.0.0.0/8',
    '::ffff:a00:0/95',
    '10.0.0/8',
    '10.0.0.256',
    '010.0.0.1',
    '10.0.0.1 ',
    '0x0a000001',
    '2001:db8::/129',
    '2001:db8:::1',
    'example.org',
    '10.0.0.1-10.0.0.9',
    '[::1]',
  ])('%j is none', (text) => {
    expect(isIpRange(text)).toBe(false);
  });
});

describe('an address', () => {
  test.each([
    ['10.0.0.0/8', '10.255.255.255', true],
    ['10.0.0.0/8', '11.0.0.0', false],
    ['10.0.0.0/8', '9.255.255.255', false],
    ['10.9.9.9/8', '10.1.1.1', true],
    ['10.0.0.2/31', '10.0.0.3', true],
    ['10.0.0.2/31', '10.0.0.4', false],
    ['10.0.0.2', '10.0.0.2', true],
    ['10.0.0.2', '10.0.0.3', false],
    ['0.0.0.0/0', '203.0.113.7', true],
    ['0.0.0.0/0', '::1', false],
    ['2001:db8::/32', '2001:db8:ffff:ffff:ffff:ffff:ffff:ffff', true],
    ['2001:db8::/32', '2001:db9::', false],
    ['2001:DB8::/32', '2001:db8::1', true],
    ['2001:db8::1', '2001:db8:0:0:0:0:0:1', true],
    ['2001:db8::1', '2001:db8::2', false],
    ['::/0', '2001:db8::1', true],
  ])('of the range %s: is %s in it? %s', (range, ip, isIn) => {
    expect(isIpAllowed([range], ip)).toBe(isIn);
  });

  test.each(['::ffff:10.1.2.3', '::ffff:a01:203', '::FFFF:10.1.2.3', '0:0:0:0:0:ffff:10.1.2.3'])(
    'of IPv4 that comes in the dress of IPv6 (%s) is judged as IPv4',
    (ip) => {
      expect(isIpAllowed(['10.0.0.0/8'], ip)).toBe(true);
      expect(isIpAllowed(['11.0.0.0/8'], ip)).toBe(false);
    },
  );

  test.each(vectors.addresses)('%j is judged as %s', (text, address) => {
    expect(isIpAllowed([address], text)).toBe(true);
    expect(isIpAllowed(['0.0.0.0/0'], text)).toBe(isIPv4(address));
    expect(isIpAllowed(['::/0'], text)).toBe(true);
    expect(isIpAllowed(['192.0.2.0/24', '2001:db8:ffff::/48'], text)).toBe(false);
  });

  test.each([undefined, ...vectors.none])(
    'that is none (%j) is in no range, not even in one that holds all',
    (ip) => {
      expect(isIpAllowed(['0.0.0.0/0', '::/0'], ip)).toBe(false);
    },
  );

  test('in the range of an IPv4-mapped base is the same as in the IPv4 range', () => {
    for (const [ip, isIn] of [
      ['10.1.2.3', true],
      ['::ffff:10.1.2.3', true],
      ['11.1.2.3', false],
      ['2001:db8::1', false],
    ] as const) {
      expect(isIpAllowed(['::ffff:10.0.0.0/104'], ip)).toBe(isIn);
    }
  });

  test('is allowed when any of several ranges holds it, and by an empty list never', () => {
    expect(isIpAllowed(['192.0.2.0/24', '10.0.0.0/8'], '10.0.0.1')).toBe(true);
    expect(isIpAllowed(['10.0.0.0/8', '2001:db8::/32'], '2001:db8::5')).toBe(true);
    expect(isIpAllowed([], '10.0.0.1')).toBe(false);
  });

  test.each(['fe80::1%eth0', 'fe80::%eth0/64', '10.0.0.0/08', '10.0.0.0/', '::ffff:10.0.0.0/8', 'junk'])(
    'is in no entry that is no range (%s), as one stored long ago may be',
    (entry) => {
      for (const ip of ['fe80::1', 'fe80::1%eth0', '10.0.0.0', '10.1.2.3', '::']) {
        expect(isIpAllowed([entry], ip)).toBe(false);
        expect(isIpAllowed([entry, '0.0.0.0/0'], ip)).toBe(isIpAllowed(['0.0.0.0/0'], ip));
      }
    },
  );
});

test('an IPv4 address is in a range exactly when their leading bits are the same', () => {
  const address = fc.nat(2 ** 32 - 1);
  const dotted = (value: number) => [24, 16, 8, 0].map((shift) => (value >>> shift) & 255).join('.');
  fc.assert(
    fc.property(address, address, fc.nat(32), fc.boolean(), (base, other, prefix, isNear) => {
      // Two addresses at random share hardly a bit; a near one differs only in its last byte.
      const ip = isNear ? ((base & ~255) | (other & 255)) >>> 0 : other;
      const isSame = prefix === 0 || base >>> (32 - prefix) === ip >>> (32 - prefix);
      expect(isIpAllowed([`${dotted(base)}/${prefix}`], dotted(ip))).toBe(isSame);
    }),
  );
});

test("any address is in any ranges exactly when Node's own list holds it", () => {
  const address = fc.oneof(fc.ipV4(), fc.ipV6());
  const range = fc
    .tuple(address, fc.nat(128))
    .map(([base, length]) => ({ base, length: isIPv4(base) ? length % 33 : length }));
  const familyOf = (text: string) => (isIPv4(text) ? 'ipv4' : 'ipv6');
  const inIt = fc.tuple(fc.array(range, { minLength: 1, maxLength: 5 }), address, fc.nat(7), fc.nat(0xff_ff));
  fc.assert(
    fc.property(inIt, fc.boolean(), ([ranges, far, at, group], isNear) => {
      const ip = isNear ? neighbour(ranges[0]?.base ?? '', at, group) : far;
      const texts = ranges.map(({ base, length }) => `${base}/${length}`);
      fc.pre(texts.every(isIpRange));
      const list = new BlockList();
      for (const { base, length } of ranges) list.addSubnet(base, length, familyOf(base));
      expect(isIpAllowed(texts, ip)).toBe(list.check(ip, familyOf(ip)));
      expect(isIpAllowed(texts, ip)).toBe(list.check(ip, familyOf(ip)));
    }),
    { numRuns: 1_000 },
  );
});

/** The address with one part of it changed: two at random share hardly a bit. */
function neighbour(address: string, at: number, group: number): string {
  if (isIPv4(address)) {
    return address
      .split('.')
      .map((byte, index) => (index === at % 4 ? group & 255 : byte))
      .join('.');
  }
  if (address.includes('::') || address.includes('.')) return address;
  return address
    .split(':')
    .map((part, index) => (index === at ? group.toString(16) : part))
    .join(':');
}

test('no text makes the questions throw, and what is no range is recognised before it is stored', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.ipV4(), fc.ipV6(), fc.ipV4Extended()), (text) => {
      if (isIpRange(text)) expect(typeof isIpAllowed([text], '10.0.0.1')).toBe('boolean');
      expect(typeof isIpAllowed(['10.0.0.0/8'], text)).toBe('boolean');
    }),
  );
});
