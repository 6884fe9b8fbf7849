import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { refusals as doorRefusals } from '../../src/http/verify/authorize-refusals.ts';
import { readProxyRequest } from '../../src/http/verify/end-client.ts';
import { readCredential } from '../../src/sdk/end-client.ts';
import { refusals } from '../../src/sdk/refusals.ts';

/**
 * The SDK is published on its own and cannot share what belongs to our HTTP rooms: here both are
 * held side by side.
 */
describe('the SDK and forward auth agree', () => {
  test('on every refusal', () => {
    const { GATEWAY_UNKNOWN: _unknown, GATEWAY_FORBIDDEN: _forbidden, ...shared } = doorRefusals;
    expect(refusals).toEqual(shared);
  });

  test('on the key in any headers', () => {
    const name = fc.constantFrom('X-API-Key', 'x-api-key', 'Authorization', 'authorization', 'Cookie');
    const value = fc.constantFrom(
      'a',
      'b',
      '',
      'a,b',
      'Bearer a',
      'bearer  b ',
      'Bearer',
      'Bearer a b',
      'Basic eA==',
    );
    const lines = fc.array(fc.tuple(name, value), { maxLength: 4 }).map((all) => all.flat());
    fc.assert(
      fc.property(lines, (rawHeaders) => {
        const { key, isAmbiguous } = readProxyRequest(rawHeaders);
        expect(readCredential(rawHeaders)).toEqual({ key, isAmbiguous });
      }),
      { numRuns: 2_000 },
    );
  });
});
