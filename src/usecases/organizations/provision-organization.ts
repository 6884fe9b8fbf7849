import { newId } from '../../domain/ids.ts';
import { revokesNothing } from '../../domain/key-change.ts';
import type { Organization } from '../../domain/organization.ts';
import type { Caller, PlatformPrincipal } from '../../domain/principal.ts';
import { type ChangeParts, change } from '../change.ts';
import { ensureOrganization } from './ensure-organization.ts';

/** Creates an organization with its `default` environment. Names need not be unique. */
export async function provisionOrganization(
  parts: ChangeParts,
  caller: Caller<PlatformPrincipal>,
  { name }: { name: string },
): Promise<Organization> {
  const { answer } = await change<Organization>(parts, { by: caller }, async (tx, now) => {
    const id = newId('organization', now, parts.randomBytes);
    return {
      answer: { id, name, status: 'active', createdAt: now },
      events: await ensureOrganization(parts, tx, { id, name, environments: [] }, now),
      revokes: revokesNothing,
    };
  });
  return answer;
}
