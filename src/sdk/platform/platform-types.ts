import type { Api, Sendable } from '../sendable.ts';

export type PlatformUser = Login['user'];
export type NewPlatformUser = Sendable<Api['CreatePlatformUserBody']>;
export type PlatformUserChanges = Sendable<Api['UpdatePlatformUserBody']>;

/** `is_active` is a boolean here, and a word in the query. */
export type PlatformUserFilter = Omit<
  Sendable<Api['ListPlatformUsersQuery']>,
  'cursor' | 'limit' | 'is_active'
> & {
  is_active?: boolean | undefined;
};

/** The name and address behind an id of the audit log, until they are erased. */
export type Person = Api['GetPersonAnswer'];
export type ErasedPerson = Api['ErasePersonAnswer'];

export type Login = Api['LogInAnswer'];
/** A log-in that waits for somebody in the browser (RFC 8628). */
export type DeviceLogin = Api['StartDeviceLoginAnswer'];

/** The holder of a credential, and its present rights. */
export type Me = Api['GetMeAnswer'];

export type Credentials = Sendable<Api['LogInBody']>;
/** A password, or a second factor where the account has one. */
export type Confirmation = Sendable<Api['ConfirmSessionBody']>;

/** A session of one's own; `current` is the one of this token. */
export type OwnSession = Api['ListOwnSessionsAnswer'][number];
export type EndedSessions = Api['EndOtherSessionsAnswer'];

export type OwnSecondFactors = Api['ListOwnSecondFactorsAnswer'];
/** The secret is for an authenticator app. */
export type NewTotp = Api['StartTotpAnswer'];
/** Recovery codes come with the account's first factor. */
export type Enrolled = Api['ActivateTotpAnswer'];
export type RecoveryCodes = Api['RenewRecoveryCodesAnswer'];
export type ResetSecondFactors = Api['ResetSecondFactorsAnswer'];

export type Role = Api['CreateRoleAnswer'];
export type RoleRequest = Sendable<Api['CreateRoleBody']>;

export type Tenant = Omit<ShownTenant, 'counts' | 'environments'>;
/** Counts go up to 10000, which stands for that many or more. */
export type ShownTenant = Api['GetTenantAnswer'];
export type TenantFilter = Omit<Sendable<Api['ListTenantsQuery']>, 'cursor' | 'limit'>;
export type TenantChanges = Sendable<Api['UpdateTenantBody']>;
/** Rules and defaults for the user keys of a tenant. An absent rule allows everything. */
export type TenantPolicy = Sendable<Api['SetTenantPolicyBody']>;
/** `policy` is null when there is none. */
export type ShownPolicy = Api['GetTenantPolicyAnswer'];
export type PolicyReportRequest = Sendable<Api['ReportOnTenantPolicyBody']>;
export type PolicyReport = Api['ReportOnTenantPolicyAnswer'];

export type Environment = Api['CreateEnvironmentAnswer'];

export type AuditFilter = Omit<Sendable<Api['ListAuditEventsQuery']>, 'cursor' | 'limit'>;
export type AuditEvent = Api['ListAuditEventsAnswer'][number];
export type EventsPage = Api['ListEventsAnswer'];
export type Event = EventsPage['data'][number];
export type EventFilter = Omit<Sendable<Api['ListEventsQuery']>, 'types'> & {
  types?: readonly AuditEvent['event_type'][] | undefined;
};

export type Webhook = Api['GetWebhookAnswer'];
/** The secret verifies signatures (Standard Webhooks). */
export type WebhookWithSecret = Api['CreateWebhookAnswer'];
export type NewWebhook = Sendable<Api['CreateWebhookBody']>;
export type WebhookChanges = Sendable<Api['UpdateWebhookBody']>;
export type DeletedWebhook = Api['DeleteWebhookAnswer'];
export type WebhookTest = Api['TestWebhookAnswer'];
export type WebhookDelivery = Api['ListWebhookDeliveriesAnswer'][number];
export type DeliveryFilter = Omit<Sendable<Api['ListWebhookDeliveriesQuery']>, 'cursor' | 'limit'>;
/** Either `event_ids`, or `from` and `to`. */
export type ReplayRequest = Sendable<Api['ReplayWebhookEventsBody']>;
export type QueuedReplay = Api['ReplayWebhookEventsAnswer'];

export type AuditRange = Sendable<Api['VerifyAuditQuery']>;
export type AuditVerification = Api['VerifyAuditAnswer'];
/**
 * The fault at the first place that has one; docs/operations.md explains each.
 */
export type AuditFault = NonNullable<AuditVerification['first_fault']>['kind'];

export type PlatformStats = Api['GetPlatformStatsAnswer'];
export type Traffic = Api['GetTrafficAnswer'];
export type TopTraffic = Api['GetTopTrafficAnswer'];
/** Up to 200 verifiers, live ones that are behind first. */
export type Verifiers = Api['ListVerifiersAnswer'];
/** `queue` is null while Redis does not answer. */
/** Findings with their fixes; expect further codes. */
export type Diagnosis = Api['GetDiagnosisAnswer'];
export type QueueHealth = Api['GetQueuesAnswer'];
