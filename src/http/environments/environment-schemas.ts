import { z } from 'zod';
import { idPattern } from '../../domain/ids.ts';
import type { Environment } from '../../domain/organization.ts';
import { environmentSlug, timestampText } from '../fields.ts';

export const environmentId = z.string().regex(idPattern('environment'), 'must be an environment id (env_…)');

export const environmentFields = {
  id: z.string().describe('`env_…`'),
  name: environmentSlug,
  created_at: timestampText,
};

export function toEnvironmentAnswer({ id, slug, createdAt }: Environment) {
  return { id, name: slug, created_at: createdAt.toISOString() };
}
