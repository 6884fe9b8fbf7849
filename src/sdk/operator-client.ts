import type { CallOptions } from './client.ts';
import type { PlatformStats } from './operator-types.ts';
import { ApiKeys } from './platform/api-keys.ts';
import { ApiUsers } from './platform/api-users.ts';
import { Audit } from './platform/audit.ts';
import { Environments } from './platform/environments.ts';
import { Events } from './platform/events.ts';
import { MasterKeys } from './platform/master-keys.ts';
import { Tenants } from './platform/organizations.ts';
import { Overview } from './platform/overview.ts';
import { People } from './platform/people.ts';
import { PlatformUsers } from './platform/platform-users.ts';
import { Requests } from './platform/requests.ts';
import { Roles } from './platform/roles.ts';
import { SecondFactors } from './platform/second-factors.ts';
import { Session } from './platform/sessions.ts';
import { HiddenKeys } from './platform/user-keys.ts';
import { Webhooks } from './platform/webhooks.ts';
import { type ConnectionOptions, type Credential, Transport } from './transport.ts';

export type OperatorClientOptions = Omit<ConnectionOptions, 'masterKey'> & {
  /**
   * The token of a login, a platform key (`flplatform_`), a tenant key (`flkey_`) or the key of an
   * API user (`flapi_`).
   */
  credential?: string | undefined;
  /** The organization to impersonate. Each such call is audited. */
  asOrganization?: string | undefined;
  /** Reason for the audit log. */
  reason?: string | undefined;
  /** Maximum retries of idempotent calls; 3 unless set. */
  retriesMax?: number | undefined;
};

/**
 * Client for operators, tenants and administrators of API users. Methods reject with
 * `FlowplateApiError` (a refusal) or `FlowplateUnreachableError` (no answer). Calls that create a
 * secret are retried under one Idempotency-Key. Reads are retried; all other changes are sent once.
 */
export class FlowplateOperatorClient {
  readonly session: Session;
  readonly secondFactors: SecondFactors;
  readonly users: PlatformUsers;
  readonly people: People;
  readonly roles: Roles;
  readonly tenants: Tenants;
  readonly environments: Environments;
  readonly apiKeys: ApiKeys;
  readonly masterKeys: MasterKeys;
  readonly hiddenKeys: HiddenKeys;
  readonly apiUsers: ApiUsers;
  readonly audit: Audit;
  readonly events: Events;
  readonly webhooks: Webhooks;
  readonly overview: Overview;
  readonly #requests: Requests;

  constructor(options: OperatorClientOptions) {
    const requests = new Requests(new Transport(options, headersOf(options)), options.retriesMax ?? 3);
    this.session = new Session(requests);
    this.secondFactors = new SecondFactors(requests);
    this.users = new PlatformUsers(requests);
    this.people = new People(requests);
    this.roles = new Roles(requests);
    this.tenants = new Tenants(requests);
    this.environments = new Environments(requests);
    this.apiKeys = new ApiKeys(requests);
    this.masterKeys = new MasterKeys(requests);
    this.hiddenKeys = new HiddenKeys(requests);
    this.apiUsers = new ApiUsers(requests);
    this.audit = new Audit(requests);
    this.events = new Events(requests);
    this.webhooks = new Webhooks(requests);
    this.overview = new Overview(requests);
    this.#requests = requests;
  }

  stats(options?: CallOptions): Promise<PlatformStats> {
    return this.#requests.read('/api/v1/platform/stats', {}, options);
  }
}

function headersOf({ credential, asOrganization, reason }: OperatorClientOptions): Credential {
  return {
    ...(credential !== undefined && headerOf(credential)),
    ...(asOrganization !== undefined && { 'x-flowplate-org': asOrganization }),
    ...(reason !== undefined && { 'x-flowplate-reason': toHeaderText(reason) }),
  };
}

/** Encodes UTF-8 for a header, since `fetch` takes one byte per character. */
function toHeaderText(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1');
}

function headerOf(credential: string): Credential {
  return credential.startsWith('flapi_')
    ? { 'x-api-key': credential }
    : { authorization: `Bearer ${credential}` };
}
