import { createHmac, randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { digestSecret, digestsOf, newPepper } from '../../src/domain/key-digest.ts';
import vectors from '../vectors/key-digest.json' with { type: 'json' };

test.each(vectors.digests)('the digest of $secret under $pepper_id is the one on record', (vector) => {
  const pepper = newPepper(vector.pepper_id, Buffer.from(vector.pepper_hex, 'hex'));
  const { pepperId, digest } = digestSecret(pepper, vector.secret);
  expect(pepperId).toBe(vector.pepper_id);
  expect(digest.toString('hex')).toBe(vector.digest_hex);
});

test('a digest is HMAC-SHA-256 of the secret under the pepper', () => {
  const peppers = fc.uint8Array({ minLength: 32, maxLength: 128 });
  fc.assert(
    fc.property(peppers, fc.string({ unit: 'binary' }), (pepper, secret) => {
      expect(digestSecret(newPepper('p1', pepper), secret).digest).toEqual(
        createHmac('sha256', pepper).update(secret).digest(),
      );
    }),
  );
});

test('a keyring gives one digest for each pepper, in the order of the keyring', () => {
  const [current, old, older] = [1, 2, 3].map((number) => newPepper(`p${number}`, randomBytes(32)));
  if (current === undefined || old === undefined || older === undefined) throw new Error('unreachable');
  const digests = digestsOf([current, old, older], 'secret');
  expect(digests.map((digest) => digest.pepperId)).toEqual(['p1', 'p2', 'p3']);
  expect(digests).toEqual([current, old, older].map((pepper) => digestSecret(pepper, 'secret')));
  expect(new Set(digests.map((digest) => digest.digest.toString('hex'))).size).toBe(3);
});

test('a pepper does not show its secret when it is printed', () => {
  const secret = randomBytes(32);
  const printed = JSON.stringify(newPepper('p1', secret));
  expect(printed).not.toContain(secret.toString('hex'));
  expect(printed).not.toContain(secret.toString('base64'));
});
