import { platformOrganizationId } from '../../domain/api-key.ts';
import { FlowplateError } from '../../domain/errors.ts';
import type { Organization } from '../../domain/organization.ts';

/** Hides a deleted organization, and the one of the platform itself, from operators. */
export function presentOrganization(found: Organization | undefined): Organization {
  if (found !== undefined && found.status !== 'deleted' && found.id !== platformOrganizationId) return found;
  throw new FlowplateError('ORGANIZATION_NOT_FOUND');
}
