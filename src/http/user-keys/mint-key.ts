import { z } from 'zod';
import { requireMasterKeyPermission } from '../../domain/principal.ts';
import { unsetSettings } from '../../domain/user-key.ts';
import { type Minted, type MintParts, mintKey } from '../../usecases/user-keys/mint-key.ts';
import { masterKey } from '../access/master-key.ts';
import { environmentSlug, noParams, noQuery } from '../fields.ts';
import { defineRoute } from '../route.ts';
import { mintedFields, toMinted } from './key-answers.ts';
import { endOf, type mintBody, mintOneBody } from './key-schemas.ts';
import { settingFields, toSettings } from './key-settings.ts';

/** What a mint answers, alone or in a line. */
export const mintAnswer = z.strictObject({
  ...mintedFields,
  ...z.strictObject({ environment: environmentSlug, ...settingFields }).partial().shape,
});

export const mintErrors = [
  'KEY_ALREADY_EXISTS',
  'MINT_QUOTA_EXCEEDED',
  'ORGANIZATION_SUSPENDED',
  'ORGANIZATION_NOT_FOUND',
  'ENVIRONMENT_NOT_FOUND',
] as const;

export const mintKeyRoute = defineRoute({
  method: 'post',
  path: '/v1/flowplate/api-keys',
  operationId: 'mintKey',
  summary: 'Mint a hidden key for a user in an organization',
  description:
    'There is at most one active key for a (user, organization, environment). A second mint is refused with the id of the first, also when both run at once. The organization and the environment are created on first use, and the header `Flowplate-Created` then says `organization` or `environment`; a deployment with `STRICT_ORGANIZATIONS` refuses them instead. The policy of the organization gives defaults, and a key that would break it is refused with the rules in `details`. The key works on every replica at once. With `canary: true` it looks like any other and is never valid: each use of it raises `key.canary.used`.',
  access: masterKey('keys:mint'),
  params: noParams,
  query: noQuery,
  body: mintOneBody,
  success: { 201: 'Minted. The secret is in this answer and nowhere else.' },
  answer: mintAnswer,
  errors: mintErrors,
  idempotent: true,
  async handle(parts: MintParts, { body: { canary: isCanary = false, ...body }, caller, idempotency }) {
    if (isCanary) requireMasterKeyPermission(caller.principal, 'keys:canary');
    const request = { ...mintRequestOf(parts, body), isCanary };
    const { answer, isReplay } = await mintKey(parts, caller, request, idempotency);
    return {
      status: 201,
      body: toMintAnswer(body, answer),
      headers: {
        ...(isReplay && { 'Idempotency-Replayed': 'true' }),
        ...(answer.created !== undefined && { 'Flowplate-Created': answer.created }),
      },
    };
  },
});

type Body = z.output<typeof mintBody>;

export function mintRequestOf({ environment, clock }: Pick<MintParts, 'environment' | 'clock'>, body: Body) {
  return {
    userId: body.user_id,
    organizationId: body.organization_id,
    environment: body.environment ?? environment,
    ...unsetSettings,
    ...toSettings(body),
    expiresAt: endOf(body, clock.now()) ?? null,
  };
}

export function toMintAnswer(body: Body, minted: Minted) {
  const owner = { userId: body.user_id, organizationId: body.organization_id };
  return { ...toMinted(minted, owner), ...optionsThatWereSet(body, minted) };
}

/**
 * Settings of the request and of the organization's policy for the answer. `ttl_seconds` becomes
 * the stored end, so that a replay does not move it.
 */
function optionsThatWereSet(body: Body, { expiresAt, defaults = {} }: Minted) {
  const {
    user_id: _user,
    organization_id: _organization,
    ttl_seconds: _ttl,
    expires_at: _at,
    ...options
  } = body;
  return {
    ...options,
    ...(defaults.rateLimit && { rate_limit: defaults.rateLimit }),
    ...(defaults.quota && { quota: defaults.quota }),
    ...(expiresAt !== null && { expires_at: expiresAt }),
  };
}
