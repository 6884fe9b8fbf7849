import { z } from 'zod';
import { parseSecret } from '../../domain/key-format.ts';
import { revocationReasons } from '../../domain/revocation-reason.ts';
import type { MasterKeys } from '../../verify/master-keys.ts';
import type { VerifyParts } from '../../verify/verify-key.ts';
import { keyHolder } from '../access/key-holder.ts';
import { noParams, noQuery } from '../fields.ts';
import { defineRoute } from '../route.ts';
import { type HeldKey, type RevokeHeldParts, revokeHeldKey } from './revoke-held-key.ts';

/** Not strict: RFC 6749 §3.2 requires unknown members to be ignored. */
const revocationForm = z.object({
  // A line break behind it, as files have, would make it an unknown key, and the answer is 200.
  token: z.string().trim().min(1).describe('The key to end, of any kind; spaces around it do not count'),
  token_type_hint: z.string().optional().describe('Ignored: a key says what it is'),
  reason: z.enum(revocationReasons).optional().describe('`key_compromise` unless set'),
});

export type RevokeTokenParts = RevokeHeldParts & {
  /** Look-ups of callers who are not known. */
  verifyCaller: { records: Pick<VerifyParts['records'], 'find'> };
  verify: Pick<VerifyParts, 'unknownKeys'>;
  masterKeys: Pick<MasterKeys, 'findHeld'>;
};

export const revokeTokenRoute = defineRoute({
  method: 'post',
  path: '/v1/flowplate/revoke',
  operationId: 'revokeToken',
  summary: 'Revoke a key that one holds (RFC 7009)',
  description:
    'Ends the key that is sent, of any kind, without another credential: for the finder of a leaked key. The answer is the same for a key that was ended, one that had ended, one that never was, and any other text. It comes when no verifier accepts the key any more, or after two seconds, when the end is committed and in force after one lease at most. 503 means that it may not have happened: repeat it. An address may send 100 requests in ten seconds.',
  access: keyHolder(),
  params: noParams,
  query: noQuery,
  body: revocationForm,
  bodyFormat: 'form',
  success: { 200: 'The key is of no use, if it ever was (RFC 7009 §2.2).' },
  answer: z.strictObject({}),
  errors: [],
  async handle(parts: RevokeTokenParts, { body, caller }) {
    const { token, reason = 'key_compromise' } = body;
    const { requestId, address } = caller;
    const held = await findHeldKey(parts, token);
    if (held !== undefined) await revokeHeldKey(parts, held, { reason, requestId, address });
    // A canary key goes on: whoever sends it would otherwise silence it.
    else parts.verify.unknownKeys.note(token, address, { endpoint: 'revoke', masterKeyId: null, requestId });
    return { status: 200, body: {} };
  },
});

/** Undefined for a text that is no key, which costs no I/O, and for an unknown key. */
async function findHeldKey(parts: RevokeTokenParts, token: string): Promise<HeldKey | undefined> {
  const kind = parseSecret(token)?.kind;
  if (kind === undefined) return undefined;
  // Before the look-up: while no change can be kept, all keys are answered alike.
  parts.requireChangeable?.();
  if (kind === 'master') {
    const id = await parts.masterKeys.findHeld(token);
    return id === undefined ? undefined : { kind, id };
  }
  const found = await parts.verifyCaller.records.find(token);
  return found && { kind, id: found.record.id, userId: found.record.userId };
}
