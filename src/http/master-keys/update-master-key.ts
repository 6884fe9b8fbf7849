import { z } from 'zod';
import { updateMasterKey } from '../../usecases/master-keys/update-master-key.ts';
import { platformCaller } from '../access/platform-caller.ts';
import { noQuery } from '../fields.ts';
import { defineRoute } from '../route.ts';
import { masterKeyFields, masterKeyId, settingFields, toMasterKeyAnswer } from './master-key-schemas.ts';

export const updateMasterKeyRoute = defineRoute({
  method: 'patch',
  path: '/api/v1/platform/master-keys/:id',
  operationId: 'updateMasterKey',
  summary: 'Change the settings of a master key',
  description:
    'Only named fields change; null removes a setting. They hold for the next mint, on every replica. Keys that it has minted in the current period go on counting. A session must have begun or been confirmed in the last 10 minutes (step-up).',
  access: platformCaller('super-admin'),
  params: masterKeyId,
  query: noQuery,
  body: z
    .strictObject(settingFields)
    .partial()
    .refine((body) => Object.keys(body).length > 0, 'must change something'),
  success: { 200: 'Changed.' },
  answer: z.strictObject(masterKeyFields),
  errors: ['STEP_UP_REQUIRED', 'MASTER_KEY_NOT_FOUND'],
  async handle(parts: Parameters<typeof updateMasterKey>[0], { params, body, caller }) {
    const changed = {
      ...(body.mint_quota !== undefined && { mintQuota: body.mint_quota }),
      ...(body.living_keys_max !== undefined && { livingKeysMax: body.living_keys_max }),
      ...(body.key_age_seconds_max !== undefined && { keyAgeSecondsMax: body.key_age_seconds_max }),
    };
    return { status: 200, body: toMasterKeyAnswer(await updateMasterKey(parts, caller, params.id, changed)) };
  },
});
