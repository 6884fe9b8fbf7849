import { parseArgs } from 'node:util';
import type { OrganizationStatus } from '../src/stores/postgres/organizations.ts';
import { setOrganizationStatus } from '../src/usecases/organizations/set-organization-status.ts';
import { runAdmin } from './admin/open-broker.ts';

const usage = `Usage: node scripts/organizations.ts suspend|resume|delete ORGANIZATION_ID

Stops or restores all keys of an organization at once, and says whether every verifier knows. A deleted one can be resumed:
nothing of it is removed. It reads the server's own environment: DATABASE_URL, REDIS_URL, FLOWPLATE_PEPPERS.`;

const statuses: Record<string, OrganizationStatus> = {
  suspend: 'suspended',
  resume: 'active',
  delete: 'deleted',
};

const [verb = '', organizationId] = parseArgs({ allowPositionals: true }).positionals;
const status = statuses[verb];

await runAdmin(
  status && organizationId
    ? async (broker) => {
        const answer = await setOrganizationStatus(broker, broker.origin, { organizationId, status });
        console.log(`${organizationId} is ${status} (${answer.propagation})`);
      }
    : undefined,
  usage,
);
