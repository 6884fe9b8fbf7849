import { BlockList, isIP, isIPv4, SocketAddress } from 'node:net';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseIpAddress, placeOf } from '../../src/domain/ip-address.ts';
import vectors from '../vectors/ip-address.json' with { type: 'json' };

describe('an address', () => {
  test.each(vectors.addresses)('%j is %s', (text, address) => {
    expect(parseIpAddress(text)).toBe(address);
    expect(parseIpAddress(address)).toBe(address);
  });

  test.each(vectors.none)('%j is none', (text) => {
    expect(parseIpAddress(text)).toBeUndefined();
  });

  test('that is missing, or has text of any length around it, is none', () => {
    expect(parseIpAddress(undefined)).toBeUndefined();
    for (const filling of [' ', '"', '[', '1', ':', '0:', '1.']) {
      expect(parseIpAddress(`${filling.repeat(100_000)}10.1.2.3`)).toBeUndefined();
    }
  });
});

const ipv4 = fc.ipV4();
const ipv6 = fc.ipV6();
const port = fc.nat(65_535);
const blanks = fc.stringMatching(/^[ \t]{0,3}$/);
const spelled = fc.oneof(
  ipv4,
  ipv6,
  fc.tuple(ipv4, port).map(([address, number]) => `${address}:${number}`),
  ipv6.map((address) => `[${address}]`),
  fc.tuple(ipv6, port).map(([address, number]) => `[${address}]:${number}`),
);
const sent = fc
  .tuple(blanks, fc.boolean(), spelled, blanks)
  .map(([before, isQuoted, text, after]) => before + (isQuoted ? `"${text}"` : text) + after);

/** The one address that Node's own list then holds. */
function listOf(address: string): BlockList {
  const list = new BlockList();
  list.addAddress(address, familyOf(address));
  return list;
}

const familyOf = (address: string) => (isIPv4(address) ? 'ipv4' : 'ipv6');

describe('for any address in any dress', () => {
  test('the canonical spelling is read as itself', () => {
    fc.assert(
      fc.property(sent, (text) => {
        const address = parseIpAddress(text) ?? '';
        expect(isIP(address)).not.toBe(0);
        expect(parseIpAddress(address)).toBe(address);
      }),
    );
  });

  test("it is the address that Node's own list takes it for", () => {
    fc.assert(
      fc.property(fc.oneof(ipv4, ipv6), (text) => {
        const address = parseIpAddress(text) ?? '';
        expect(listOf(text).check(address, familyOf(address))).toBe(true);
        if (!isIPv4(address) && !/^::[\da-f]+:[\da-f]+$/.test(address)) {
          expect(address).toBe(new SocketAddress({ address: text, family: 'ipv6' }).address);
        }
      }),
    );
  });

  test('two addresses have one spelling exactly when they are one address', () => {
    const groups = fc.array(fc.constantFrom(0, 1, 0xff_ff), { minLength: 8, maxLength: 8 });
    const toText = (all: number[]) => all.map((group) => group.toString(16).padStart(4, '0')).join(':');
    fc.assert(
      fc.property(groups, groups, (one, other) => {
        const isSame = toText(one) === toText(other);
        expect(parseIpAddress(toText(one)) === parseIpAddress(toText(other))).toBe(isSame);
      }),
    );
  });

  test('no text makes the question throw, and no answer is text that Node does not take for an address', () => {
    const pieces = fc.constantFrom('10.1.2.3', '::1', '::ffff:', '[', ']', ':', '"', ' ', '%', '.', '0', 'f');
    const text = fc.oneof(
      fc.string(),
      fc.array(pieces).map((all) => all.join('')),
    );
    fc.assert(
      fc.property(text, (any) => {
        const address = parseIpAddress(any);
        if (address !== undefined) expect(isIP(address)).not.toBe(0);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('a place', () => {
  test.each([
    ['203.0.113.7', '203.0.113.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8:1:2::', '2001:db8:1:2::/64'],
    ['2001:db8::5', '2001:db8:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['::', '0:0:0:0::/64'],
    ['1::', '1:0:0:0::/64'],
    ['64:ff9b::a01:203', '64:ff9b:0:0::/64'],
    ['::a01:203', '0:0:0:0::/64'],
    ['1:2:3:4:5:6:7::', '1:2:3:4::/64'],
  ])('of %s is %s', (address, place) => {
    expect(placeOf(address)).toBe(place);
  });

  test('is the same for two IPv6 addresses exactly when their first 64 bits are', () => {
    const list = (address: string) => {
      const block = new BlockList();
      block.addSubnet(address, 64, 'ipv6');
      return block;
    };
    const near = fc
      .tuple(ipv6, fc.array(fc.nat(0xff_ff), { minLength: 4, maxLength: 4 }))
      .map(([address, last]) => {
        const [first] = placeOf(parseIpAddress(address) ?? '').split('::');
        return [address, `${first}:${last.map((group) => group.toString(16)).join(':')}`];
      });
    fc.assert(
      fc.property(fc.oneof(near, fc.tuple(ipv6, ipv6)), ([one = '', other = '']) => {
        const [first = '', second = ''] = [parseIpAddress(one), parseIpAddress(other)];
        fc.pre(!isIPv4(first) && !isIPv4(second));
        expect(placeOf(first) === placeOf(second)).toBe(list(first).check(second, 'ipv6'));
      }),
    );
  });
});
