import type { OrganizationStatus } from '../../src/domain/organization.ts';
import { setOrganizationStatus } from '../../src/usecases/organizations/set-organization-status.ts';
import { type TestBroker, testOrigin } from './broker.ts';

/** Sets the status of a tenant as an operator. */
export function setStatus(broker: TestBroker, organizationId: string, status: OrganizationStatus) {
  return setOrganizationStatus(broker.api.parts, testOrigin, { organizationId, status });
}
