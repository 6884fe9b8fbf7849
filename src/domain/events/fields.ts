import { z } from 'zod';
import { emailPattern } from '../email.ts';
import { environmentSlugPattern } from '../key-format.ts';
import { platformPermissions } from '../permission.ts';
import { redact } from '../redact.ts';
import { revocationReasons } from '../revocation-reason.ts';
import { scopePattern } from '../scope.ts';

/**
 * Whether an id may stand in an event. Ids that callers choose can be anything: an e-mail address,
 * or a secret by mistake.
 */
export function isShowable(id: string): boolean {
  return !emailPattern.test(id) && redact(id) === id;
}

const showable = 'an e-mail address or a secret';
const word = z.string().regex(scopePattern).refine(isShowable, { message: showable });

/** Fields that several types of events have. None is free text: it could hold anything. */
export const fields = {
  id: z.string().min(1).max(200).refine(isShowable, { message: showable }),
  word,
  words: z.array(word),
  count: z.int().min(0),
  flag: z.boolean(),
  time: z.iso.datetime({ precision: 3 }),
  code: z.string().regex(/^[A-Z][A-Z_]{2,63}$/),
  /** Names of fields that were changed, without their values. */
  names: z.array(z.string().regex(/^[A-Za-z][A-Za-z_]{0,63}$/)),
  slug: z.string().regex(environmentSlugPattern),
  keyPrefix: z.string().regex(/^(fl_(user|master)_[a-z0-9]{1,16}|flkey|flplatform|flapi)_[0-9A-Za-z]{8}$/),
  reason: z.enum(revocationReasons),
  ip: z.union([z.ipv4(), z.ipv6()]),
  permissions: z.array(z.enum(platformPermissions)),
  percent: z.union([z.literal(80), z.literal(100)]),
  daysLeft: z.union([z.literal(30), z.literal(7), z.literal(1)]),
  by: z.enum([
    'self',
    'operator',
    'recovery',
    'identity provider',
    'password',
    'totp',
    'passkey',
    'recovery_code',
  ]),
} as const;
