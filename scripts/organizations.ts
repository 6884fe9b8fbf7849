import { parseArgs } from 'node:util';
import type { OrganizationStatus } from '../src/domain/organization.ts';
import { toPropagation } from '../src/http/propagation.ts';
import {
  ensureFirstTenantKey,
  type FirstTenantKey,
} from '../src/usecases/organizations/ensure-first-tenant-key.ts';
import { setOrganizationStatus } from '../src/usecases/organizations/set-organization-status.ts';
import { type Broker, runAdmin } from './admin/open-broker.ts';

const usage = `Usage: node scripts/organizations.ts <command>

  suspend|resume|delete ORGANIZATION_ID   stops or restores all its keys at once, and says whether every verifier knows;
                                          a deleted one can be resumed: nothing of it is removed
  first-tenant-key [--again] [--json]     makes an organization and its key, to create the first platform admin with, while
                                          there has never been one and there is no platform user; --again: it was lost

It reads the server's own environment: DATABASE_URL, REDIS_URL, FLOWPLATE_PEPPERS.`;

const statuses: Record<string, OrganizationStatus> = {
  suspend: 'suspended',
  resume: 'active',
  delete: 'deleted',
};

const options = {
  json: { type: 'boolean', default: false },
  again: { type: 'boolean', default: false },
} as const;

type Values = { json: boolean; again: boolean };
type Command = (broker: Broker) => Promise<void>;

await runAdmin(commandOf(process.argv.slice(2)), usage);

/** Undefined for invalid arguments. */
function commandOf(args: readonly string[]): Command | undefined {
  const { values, positionals } = parse(args) ?? { values: undefined, positionals: [] };
  const [verb = '', id] = positionals;
  if (values === undefined) return undefined;
  if (verb === 'first-tenant-key' && id === undefined) return (broker) => firstTenantKey(broker, values);
  const status = statuses[verb];
  return status && id ? (broker) => changeStatus(broker, id, status) : undefined;
}

function parse(args: readonly string[]): { values: Values; positionals: string[] } | undefined {
  try {
    return parseArgs({ args: [...args], allowPositionals: true, options });
  } catch {
    return undefined;
  }
}

async function changeStatus(broker: Broker, organizationId: string, status: OrganizationStatus) {
  const answer = await setOrganizationStatus(broker, broker.origin, { organizationId, status });
  console.log(`${organizationId} is ${status} (${toPropagation(answer).propagation})`);
}

async function firstTenantKey(broker: Broker, { json, again }: Values): Promise<void> {
  const made = await ensureFirstTenantKey(broker, broker.origin, { isLost: again });
  if (json) return printJson(made);
  if (made === undefined) {
    console.log('There has been a tenant key before, or there is a platform user already');
    return;
  }
  console.log(`Created tenant key: ${made.apiKey.name} (organization: ${made.apiKey.organizationId})`);
  console.log(`Key: ${made.secret}`);
  console.log('Save this key — it will not be shown again.');
}

function printJson(made: FirstTenantKey | undefined): void {
  const organization_id = made?.apiKey.organizationId;
  console.log(JSON.stringify({ created: made !== undefined, organization_id, key: made?.secret }));
}
