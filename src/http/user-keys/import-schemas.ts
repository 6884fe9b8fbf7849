import { z } from 'zod';
import {
  type ForeignHash,
  type ImportAlgorithm,
  importAlgorithms,
  isSlow,
  lookupLengths,
  readHash,
  saltPositions,
} from '../../domain/imported-hash.ts';
import { environmentSlug, externalId } from '../fields.ts';
import { endFields, hasAtMostOneEnd, twoEnds } from './key-schemas.ts';
import { mintSettings } from './key-settings.ts';

export const importSecretName = z.string().regex(/^[a-z0-9][a-z0-9_.-]{0,62}$/, {
  error: 'must be 1 to 63 of a-z 0-9 _ . - and begin with a letter or digit',
});

const hashFields = {
  algorithm: z.enum(importAlgorithms),
  hash: z
    .string()
    .max(512)
    .describe('Of SHA and HMAC in hex, base64 or base64url; of bcrypt and argon2id the whole text'),
  salt: z
    .string()
    .min(1)
    .max(256)
    .optional()
    .describe('Of SHA: text beside the key when it was hashed. One for each key needs a `lookup` too'),
  salt_position: z.enum(saltPositions).optional().describe('`before` the key unless set, or `after` it'),
  secret_name: importSecretName.optional().describe('Of HMAC: the name of an import secret'),
  lookup: z
    .string()
    .min(lookupLengths.min)
    .max(lookupLengths.max)
    .optional()
    .describe(
      'The first characters of the key, shown as its `key_prefix`. Needed by hashes that cannot be searched for',
    ),
};

type HashFields = z.output<z.ZodObject<typeof hashFields>>;

export const importBody = z
  .strictObject({
    user_id: externalId,
    organization_id: externalId,
    environment: environmentSlug.optional().describe("The deployment's own unless set"),
    ...hashFields,
    ...mintSettings,
    enabled: z.boolean().optional(),
    ...endFields,
  })
  .refine(hasAtMostOneEnd, twoEnds)
  .superRefine((body, context) => {
    for (const [path, message] of hashFaults(body))
      context.addIssue({ code: 'custom', path: [path], message });
  });

/** Fields that do not fit their algorithm, each with the rule that it breaks. */
function hashFaults(body: HashFields): [keyof HashFields, string][] {
  const { algorithm, salt, salt_position: position, secret_name: secretName, lookup } = body;
  const read = readHash(algorithm, body.hash);
  const faults: [boolean, keyof HashFields, string][] = [
    ['fault' in read, 'hash', 'fault' in read ? read.fault : ''],
    [salt !== undefined && !takesSalt(algorithm), 'salt', `is no part of ${algorithm} here`],
    [position !== undefined && salt === undefined, 'salt_position', 'needs a salt'],
    [secretName !== undefined && algorithm !== 'hmac-sha256', 'secret_name', 'is for hmac-sha256'],
    [secretName === undefined && algorithm === 'hmac-sha256', 'secret_name', 'is needed by hmac-sha256'],
    [lookup === undefined && isSlow(algorithm), 'lookup', `is needed by ${algorithm}`],
  ];
  return faults.filter(([isFault]) => isFault).map(([, path, message]) => [path, message]);
}

function takesSalt(algorithm: ImportAlgorithm): boolean {
  return algorithm === 'sha256' || algorithm === 'sha512';
}

export function toForeignHash(body: HashFields): ForeignHash {
  const read = readHash(body.algorithm, body.hash);
  return {
    algorithm: body.algorithm,
    hash: 'hash' in read ? read.hash : '',
    salt: body.salt ?? null,
    saltPosition: body.salt_position ?? 'before',
    secretName: body.secret_name ?? null,
    lookup: body.lookup ?? null,
  };
}
