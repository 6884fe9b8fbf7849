import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startBroker, type TestBroker } from '../../support/broker.ts';
import { codesOf, keysPath, mint, newOwner } from '../../support/keys.ts';
import { mintLines, outcomesOf, sendLines, toLines } from '../../support/lines.ts';

let broker: TestBroker;
beforeAll(async () => {
  broker = await startBroker();
});
afterAll(() => broker.close());

const owners = (count: number) => Array.from({ length: count }, newOwner);

describe('each line is answered like a single call, in its place', () => {
  test('keys and errors', async () => {
    const taken = newOwner();
    const { key_id } = await mint(broker, taken);
    const [first, second, third] = owners(3);
    const lines = await mintLines(broker, [
      { ...first, scopes: ['read'], ttl_seconds: 60 },
      taken,
      '{"user_id":',
      '',
      { ...second, colour: 'red' },
      `{"user_id":"u1","user_id":"u2","organization_id":"org_x"}`,
      `{"user_id":"u1","organization_id":"org_x","metadata":{"n":123456789012345678901}}`,
      `{"user_id":"u1","organization_id":"org_x","metadata":{"s":"${'x'.repeat(65_536)}"}}`,
      { ...second, ttl_seconds: 60, expires_at: '2099-01-01T00:00:00Z' },
      third,
    ]);
    expect(outcomesOf(lines)).toEqual([
      'minted',
      'KEY_ALREADY_EXISTS',
      'INVALID_JSON',
      'INVALID_JSON',
      'VALIDATION_ERROR',
      'INVALID_JSON',
      'VALIDATION_ERROR',
      'PAYLOAD_TOO_LARGE',
      'VALIDATION_ERROR',
      'minted',
    ]);
    const [minted, exists] = lines;
    expect(Object.keys(minted).sort()).toEqual(
      'created_at expires_at key key_id key_prefix organization_id scopes user_id'.split(' '),
    );
    expect(exists.error.details).toEqual({ key_id });
    expect(await codesOf(broker, [minted, lines[9]])).toEqual(['VALID', 'VALID']);
  });
});
