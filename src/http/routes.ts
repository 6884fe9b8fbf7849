import type { GroupRoles } from '../domain/group-roles.ts';
import type { ExportAuditParts } from '../usecases/audit/export-audit-events.ts';
import type { VerifyAuditParts } from '../usecases/audit/verify-audit.ts';
import type { PullEventsParts } from '../usecases/events/pull-events.ts';
import type { LeakParts } from '../usecases/leaks/receive-report.ts';
import type { DiagnosisParts } from '../usecases/overview/get-diagnosis.ts';
import type { QueueHealthParts } from '../usecases/overview/get-queue-health.ts';
import type { PlatformUserParts } from '../usecases/platform-users/platform-user-parts.ts';
import type { SecondFactorParts } from '../usecases/second-factors/second-factor-changes.ts';
import type { LogInParts } from '../usecases/sessions/log-in.ts';
import type { PollParts } from '../usecases/sessions/poll-device-login.ts';
import type { ImportParts } from '../usecases/user-keys/import-keys.ts';
import type { RefusalReadParts } from '../usecases/user-keys/kept-refusals.ts';
import type { ExportKeysParts } from '../usecases/user-keys/keys-page.ts';
import type { MintParts } from '../usecases/user-keys/mint-key.ts';
import type { BulkParts } from '../usecases/user-keys/order-bulk-change.ts';
import type { RefreshParts } from '../usecases/user-keys/refresh-key.ts';
import type { HeartbeatParts } from '../usecases/verifiers/heartbeat.ts';
import type { RegisterParts } from '../usecases/verifiers/register-verifier.ts';
import type { ReportRefusalsParts } from '../usecases/verifiers/report-refusals.ts';
import type { ReportScopesParts } from '../usecases/verifiers/report-scopes.ts';
import type { ReportUsageParts } from '../usecases/verifiers/report-usage.ts';
import type { TestParts } from '../usecases/webhooks/test-webhook.ts';
import type { ExplainParts } from '../verify/explain.ts';
import type { ApiUserAccessParts } from './access/api-user.ts';
import type { MasterKeyAccessParts } from './access/identify-master-key.ts';
import type { KeyHolderParts } from './access/key-holder.ts';
import type { PlatformAccessParts } from './access/platform-caller.ts';
import type { SignedReportParts } from './access/signed-report.ts';
import { createApiKeyRoute } from './api-keys/create-api-key.ts';
import { deleteApiKeyRoute } from './api-keys/delete-api-key.ts';
import { getApiKeyRoute } from './api-keys/get-api-key.ts';
import { getApiKeyUsageRoute } from './api-keys/get-api-key-usage.ts';
import { listApiKeysRoute } from './api-keys/list-api-keys.ts';
import { revokeApiKeyRoute } from './api-keys/revoke-api-key.ts';
import { rotateApiKeyRoute } from './api-keys/rotate-api-key.ts';
import { bootstrapApiUsersRoute } from './api-users/bootstrap-api-users.ts';
import { createApiUserRoute } from './api-users/create-api-user.ts';
import { deleteApiUserRoute } from './api-users/delete-api-user.ts';
import { getApiUserRoute } from './api-users/get-api-user.ts';
import { listApiUsersRoute } from './api-users/list-api-users.ts';
import { rotateApiUserKeyRoute } from './api-users/rotate-api-user-key.ts';
import { updateApiUserRoute } from './api-users/update-api-user.ts';
import { exportAuditEventsRoute } from './audit/export-audit-events.ts';
import { listAuditEventsRoute } from './audit/list-audit-events.ts';
import { verifyAuditRoute } from './audit/verify-audit.ts';
import { createEnvironmentRoute } from './environments/create-environment.ts';
import { deleteEnvironmentRoute } from './environments/delete-environment.ts';
import { listEnvironmentsRoute } from './environments/list-environments.ts';
import { listEventsRoute } from './events/list-events.ts';
import { reportLeaksRoute } from './leaks/report-leaks.ts';
import { createMasterKeyRoute } from './master-keys/create-master-key.ts';
import { getMasterKeyRoute } from './master-keys/get-master-key.ts';
import { listMasterKeysRoute } from './master-keys/list-master-keys.ts';
import { listMintedOrganizationsRoute } from './master-keys/list-minted-organizations.ts';
import { revokeMasterKeyRoute } from './master-keys/revoke-master-key.ts';
import { rotateMasterKeyRoute } from './master-keys/rotate-master-key.ts';
import { updateMasterKeyRoute } from './master-keys/update-master-key.ts';
import { deleteOrganizationRoute } from './organizations/delete-organization.ts';
import { getOrganizationRoute } from './organizations/get-organization.ts';
import { getOwnPolicyRoute, getPolicyRoute } from './organizations/get-policy.ts';
import { listOrganizationsRoute } from './organizations/list-organizations.ts';
import { provisionOrganizationRoute } from './organizations/provision-organization.ts';
import { reportOnPolicyRoute } from './organizations/report-on-policy.ts';
import { clearPolicyRoute, setPolicyRoute } from './organizations/set-policy.ts';
import { updateOrganizationRoute } from './organizations/update-organization.ts';
import { getDiagnosisRoute } from './overview/get-diagnosis.ts';
import { getPlatformStatsRoute } from './overview/get-platform-stats.ts';
import { getQueuesRoute } from './overview/get-queue-health.ts';
import { getTopTrafficRoute } from './overview/get-top-traffic.ts';
import { getTrafficRoute } from './overview/get-traffic.ts';
import { listNamesRoute } from './overview/list-names.ts';
import { listOrganizationUsageRoute } from './overview/list-organization-usage.ts';
import { erasePersonRoute } from './people/erase-person.ts';
import { getPersonRoute } from './people/get-person.ts';
import { bootstrapRoute } from './platform-users/bootstrap-platform.ts';
import { changePasswordRoute } from './platform-users/change-own-password.ts';
import { createUserRoute } from './platform-users/create-platform-user.ts';
import { deleteUserRoute } from './platform-users/delete-platform-user.ts';
import { getMeRoute } from './platform-users/get-me.ts';
import { getUserRoute } from './platform-users/get-platform-user.ts';
import { listUsersRoute } from './platform-users/list-platform-users.ts';
import { resetPasswordRoute } from './platform-users/reset-password.ts';
import { resetSecondFactorsRoute } from './platform-users/reset-second-factors.ts';
import { updateUserRoute } from './platform-users/update-platform-user.ts';
import { createRoleRoute } from './roles/create-role.ts';
import { deleteRoleRoute } from './roles/delete-role.ts';
import { listRolesRoute } from './roles/list-roles.ts';
import { updateRoleRoute } from './roles/update-role.ts';
import type { Route, RouteParts } from './route.ts';
import { addPasskeyRoute, startPasskeyRoute } from './second-factors/enroll-passkey.ts';
import { activateTotpRoute, startTotpRoute } from './second-factors/enroll-totp.ts';
import {
  listSecondFactorsRoute,
  removeSecondFactorRoute,
  renewRecoveryCodesRoute,
} from './second-factors/own-second-factors.ts';
import { answerDeviceLoginRoute } from './sessions/answer-device-login.ts';
import { confirmSessionRoute } from './sessions/confirm-session.ts';
import { createSessionRoute } from './sessions/create-session.ts';
import { endOtherSessionsRoute, endOwnSessionRoute } from './sessions/end-own-session.ts';
import { findDeviceLoginRoute } from './sessions/find-device-login.ts';
import { getSessionRoute } from './sessions/get-session.ts';
import { listOwnSessionsRoute } from './sessions/list-own-sessions.ts';
import { logInRoute } from './sessions/log-in.ts';
import { logOutRoute } from './sessions/log-out.ts';
import { pollDeviceLoginRoute } from './sessions/poll-device-login.ts';
import { startDeviceLoginRoute } from './sessions/start-device-login.ts';
import { bulkChangeForPlatformRoute, bulkChangeRoute } from './user-keys/bulk-change.ts';
import { explainKeyForPlatformRoute, explainKeyRoute } from './user-keys/explain-key.ts';
import { findRefusalsRoute } from './user-keys/find-refusals.ts';
import { getKeyForPlatformRoute, getKeyRoute } from './user-keys/get-key.ts';
import { getKeyUsageForPlatformRoute, getKeyUsageRoute } from './user-keys/get-key-usage.ts';
import { getImportProgressRoute, importKeysRoute } from './user-keys/import-keys.ts';
import {
  createImportSecretRoute,
  deleteImportSecretRoute,
  listImportSecretsRoute,
} from './user-keys/import-secrets.ts';
import {
  cancelJobForPlatformRoute,
  cancelJobRoute,
  getJobForPlatformRoute,
  getJobRoute,
} from './user-keys/jobs.ts';
import { listKeyRefusalsForPlatformRoute, listKeyRefusalsRoute } from './user-keys/list-key-refusals.ts';
import { listKeysForPlatformRoute, listKeysRoute } from './user-keys/list-keys.ts';
import { mintKeyRoute } from './user-keys/mint-key.ts';
import { mintKeysRoute } from './user-keys/mint-keys.ts';
import { refreshKeyRoute } from './user-keys/refresh-key.ts';
import { releaseKeyForPlatformRoute, releaseKeyRoute } from './user-keys/release-key.ts';
import { reportHygieneForPlatformRoute, reportHygieneRoute } from './user-keys/report-hygiene.ts';
import { revokeKeyForPlatformRoute, revokeKeyRoute } from './user-keys/revoke-key.ts';
import { revokeKeysRoute } from './user-keys/revoke-keys.ts';
import { revokeKeysForPlatformRoute, revokeUserKeysRoute } from './user-keys/revoke-keys-everywhere.ts';
import { updateKeyRoute } from './user-keys/update-key.ts';
import { findRecordRoute } from './verifiers/find-record.ts';
import { heartbeatRoute } from './verifiers/heartbeat.ts';
import { listVerifiersRoute } from './verifiers/list-verifiers.ts';
import { registerVerifierRoute } from './verifiers/register-verifier.ts';
import { removeVerifierRoute } from './verifiers/remove-verifier.ts';
import { reportRefusalsRoute } from './verifiers/report-refusals.ts';
import { reportScopesRoute } from './verifiers/report-scopes.ts';
import { reportUsageRoute } from './verifiers/report-usage.ts';
import { introspectRoute } from './verify/introspect.ts';
import { type RevokeTokenParts, revokeTokenRoute } from './verify/revoke-token.ts';
import type { MeterParts } from './verify/serve-metered.ts';
import { verifyBatchRoute } from './verify/verify-batch.ts';
import { type VerifyKeyParts, verifyKeyRoute } from './verify/verify-key.ts';
import { createWebhookRoute } from './webhooks/create-webhook.ts';
import { deleteWebhookRoute } from './webhooks/delete-webhook.ts';
import { getWebhookRoute } from './webhooks/get-webhook.ts';
import { listDeliveriesRoute } from './webhooks/list-deliveries.ts';
import { listWebhooksRoute } from './webhooks/list-webhooks.ts';
import { replayEventsRoute } from './webhooks/replay-events.ts';
import { rotateWebhookSecretRoute } from './webhooks/rotate-webhook-secret.ts';
import { testWebhookRoute } from './webhooks/test-webhook.ts';
import { updateWebhookRoute } from './webhooks/update-webhook.ts';

/** Dependencies of all operations together; each declares its own part. */
export type ApiParts = MintParts &
  ImportParts &
  RefusalReadParts &
  RefreshParts &
  MasterKeyAccessParts &
  ApiUserAccessParts &
  PlatformAccessParts &
  PlatformUserParts &
  LogInParts &
  SecondFactorParts &
  QueueHealthParts &
  PollParts &
  DiagnosisParts &
  VerifyAuditParts &
  ExportAuditParts &
  PullEventsParts &
  ExportKeysParts &
  LeakParts &
  SignedReportParts &
  BulkParts &
  RevokeTokenParts &
  KeyHolderParts &
  TestParts &
  MeterParts & {
    environment: string;
    publicUrl: URL | undefined;
    companySignIn: { groupRoles: GroupRoles } | undefined;
    verify: ExplainParts;
    isPlatformBootstrapped(): Promise<boolean>;
    verifiers: HeartbeatParts & RegisterParts;
    usageReports: ReportUsageParts;
    refusalReports: ReportRefusalsParts;
    scopeReports: ReportScopesParts;
    isDraining: () => boolean;
  } & VerifyKeyParts &
  Pick<RouteParts, 'reads'>;

/**
 * The whole API, except forward auth, which takes any method (verify/authorize.ts). The order is
 * irrelevant (route-order.ts).
 */
export const routes: readonly Route<ApiParts>[] = [
  verifyKeyRoute, //       POST   /v1/flowplate/api-keys/verify
  verifyBatchRoute, //     POST   /v1/flowplate/api-keys/verify/batch
  introspectRoute, //      POST   /v1/flowplate/introspect
  revokeTokenRoute, //     POST   /v1/flowplate/revoke
  mintKeyRoute, //         POST   /v1/flowplate/api-keys
  listKeysRoute, //        GET    /v1/flowplate/api-keys
  reportHygieneRoute, //   GET    /v1/flowplate/api-keys/hygiene
  getKeyRoute, //          GET    /v1/flowplate/api-keys/:key_id
  releaseKeyRoute, //      POST   /v1/flowplate/api-keys/:key_id/release
  reportLeaksRoute, //     POST   /v1/flowplate/leaks
  updateKeyRoute, //       PATCH  /v1/flowplate/api-keys/:key_id
  getKeyUsageRoute, //     GET    /v1/flowplate/api-keys/:key_id/usage
  explainKeyRoute, //      POST   /v1/flowplate/api-keys/:key_id/explain
  listKeyRefusalsRoute, // GET    /v1/flowplate/api-keys/:key_id/refusals
  bulkChangeRoute, //      POST   /v1/flowplate/api-keys/bulk
  mintKeysRoute, //        POST   /v1/flowplate/api-keys/batch
  importKeysRoute, //      POST   /v1/flowplate/api-keys/import
  getImportProgressRoute, // GET  /v1/flowplate/api-keys/import/progress
  getJobRoute, //          GET    /v1/flowplate/jobs/:job_id
  cancelJobRoute, //       POST   /v1/flowplate/jobs/:job_id/cancel
  refreshKeyRoute, //      POST   /v1/flowplate/api-keys/:user_id/:org_id/refresh
  revokeUserKeysRoute, //  DELETE /v1/flowplate/api-keys/user/:user_id
  revokeKeyRoute, //       DELETE /v1/flowplate/api-keys/:key_id
  revokeKeysRoute, //      DELETE /v1/flowplate/api-keys/:user_id/:org_id
  registerVerifierRoute, //POST   /v1/flowplate/verifiers
  heartbeatRoute, //       POST   /v1/flowplate/verifiers/:verifier_id/heartbeat
  findRecordRoute, //      POST   /v1/flowplate/verifiers/:verifier_id/records
  reportUsageRoute, //     POST   /v1/flowplate/verifiers/:verifier_id/usage
  reportRefusalsRoute, //  POST   /v1/flowplate/verifiers/:verifier_id/refusals
  reportScopesRoute, //    POST   /v1/flowplate/verifiers/:verifier_id/scopes
  removeVerifierRoute, //  DELETE /v1/flowplate/verifiers/:verifier_id
  bootstrapRoute, //       POST   /api/v1/platform/bootstrap
  logInRoute, //           POST   /api/v1/platform/auth/login
  logOutRoute, //          POST   /api/v1/platform/auth/logout
  getMeRoute, //           GET    /api/v1/platform/auth/me
  changePasswordRoute, //  POST   /api/v1/platform/auth/change-password
  getSessionRoute, //      GET    /api/v1/platform/session
  createSessionRoute, //   POST   /api/v1/platform/session
  startDeviceLoginRoute, //POST   /api/v1/platform/auth/device
  pollDeviceLoginRoute, // POST   /api/v1/platform/auth/device/token
  findDeviceLoginRoute, // POST   /api/v1/platform/auth/device/lookup
  answerDeviceLoginRoute, //POST  /api/v1/platform/auth/device/answer
  listOwnSessionsRoute, // GET    /api/v1/platform/auth/sessions
  endOtherSessionsRoute, //DELETE /api/v1/platform/auth/sessions
  endOwnSessionRoute, //   DELETE /api/v1/platform/auth/sessions/:id
  confirmSessionRoute, //  POST   /api/v1/platform/auth/confirm
  listSecondFactorsRoute, //  GET    /api/v1/platform/auth/second-factors
  startTotpRoute, //          POST   /api/v1/platform/auth/totp
  activateTotpRoute, //       POST   /api/v1/platform/auth/totp/activate
  startPasskeyRoute, //       POST   /api/v1/platform/auth/passkeys/challenge
  addPasskeyRoute, //         POST   /api/v1/platform/auth/passkeys
  renewRecoveryCodesRoute, // POST   /api/v1/platform/auth/recovery-codes
  removeSecondFactorRoute, // DELETE /api/v1/platform/auth/second-factors/:id
  listUsersRoute, //       GET    /api/v1/platform/users
  createUserRoute, //      POST   /api/v1/platform/users
  getUserRoute, //         GET    /api/v1/platform/users/:id
  updateUserRoute, //      PUT    /api/v1/platform/users/:id
  deleteUserRoute, //      DELETE /api/v1/platform/users/:id
  resetPasswordRoute, //   POST   /api/v1/platform/users/:id/reset-password
  resetSecondFactorsRoute, // DELETE /api/v1/platform/users/:id/second-factors
  listRolesRoute, //       GET    /api/v1/platform/roles
  createRoleRoute, //      POST   /api/v1/platform/roles
  updateRoleRoute, //      PUT    /api/v1/platform/roles/:id
  deleteRoleRoute, //      DELETE /api/v1/platform/roles/:id
  listAuditEventsRoute, // GET    /api/v1/platform/audit
  exportAuditEventsRoute, //GET   /api/v1/platform/audit/export
  verifyAuditRoute, //     GET    /api/v1/platform/audit/verify
  listEventsRoute, //      GET    /api/v1/platform/events
  listApiUsersRoute, //    GET    /users
  createApiUserRoute, //   POST   /users
  bootstrapApiUsersRoute, //POST  /users/bootstrap
  getApiUserRoute, //      GET    /users/:id
  updateApiUserRoute, //   PATCH  /users/:id
  deleteApiUserRoute, //   DELETE /users/:id
  rotateApiUserKeyRoute, //POST   /users/:id/rotate-key
  listEnvironmentsRoute, //  GET    /api/v1/environments
  createEnvironmentRoute, // POST   /api/v1/environments
  deleteEnvironmentRoute, // DELETE /api/v1/environments/:id
  listOrganizationsRoute, //       GET    /api/v1/platform/tenants
  provisionOrganizationRoute, //   POST   /api/v1/platform/tenants
  getOrganizationRoute, //         GET    /api/v1/platform/tenants/:id
  updateOrganizationRoute, //      PATCH  /api/v1/platform/tenants/:id
  deleteOrganizationRoute, //      DELETE /api/v1/platform/tenants/:id
  getPolicyRoute, //               GET    /api/v1/platform/tenants/:id/policy
  listImportSecretsRoute, //       GET    /api/v1/platform/import-secrets
  createImportSecretRoute, //      POST   /api/v1/platform/import-secrets
  deleteImportSecretRoute, //      DELETE /api/v1/platform/import-secrets/:name
  setPolicyRoute, //               PUT    /api/v1/platform/tenants/:id/policy
  clearPolicyRoute, //             DELETE /api/v1/platform/tenants/:id/policy
  reportOnPolicyRoute, //          POST   /api/v1/platform/tenants/:id/policy/report
  getOwnPolicyRoute, //            GET    /api/v1/policy
  listWebhooksRoute, //       GET    /api/v1/platform/webhooks
  createWebhookRoute, //      POST   /api/v1/platform/webhooks
  getWebhookRoute, //         GET    /api/v1/platform/webhooks/:id
  updateWebhookRoute, //      PATCH  /api/v1/platform/webhooks/:id
  deleteWebhookRoute, //      DELETE /api/v1/platform/webhooks/:id
  rotateWebhookSecretRoute, //POST   /api/v1/platform/webhooks/:id/rotate-secret
  testWebhookRoute, //        POST   /api/v1/platform/webhooks/:id/test
  listDeliveriesRoute, //     GET    /api/v1/platform/webhooks/:id/deliveries
  replayEventsRoute, //       POST   /api/v1/platform/webhooks/:id/replay
  listMasterKeysRoute, //    GET    /api/v1/platform/master-keys
  createMasterKeyRoute, //   POST   /api/v1/platform/master-keys
  getMasterKeyRoute, //      GET    /api/v1/platform/master-keys/:id
  updateMasterKeyRoute, //   PATCH  /api/v1/platform/master-keys/:id
  listMintedOrganizationsRoute, // GET /api/v1/platform/master-keys/:id/organizations
  rotateMasterKeyRoute, //   POST   /api/v1/platform/master-keys/:id/rotate
  revokeMasterKeyRoute, //   POST   /api/v1/platform/master-keys/:id/revoke
  listKeysForPlatformRoute, //    GET    /api/v1/platform/hidden-keys
  reportHygieneForPlatformRoute, // GET  /api/v1/platform/hidden-keys/hygiene
  getKeyForPlatformRoute, //      GET    /api/v1/platform/hidden-keys/:key_id
  getKeyUsageForPlatformRoute, // GET    /api/v1/platform/hidden-keys/:key_id/usage
  explainKeyForPlatformRoute, //  POST   /api/v1/platform/hidden-keys/:key_id/explain
  listKeyRefusalsForPlatformRoute, // GET  /api/v1/platform/hidden-keys/:key_id/refusals
  releaseKeyForPlatformRoute, //  POST   /api/v1/platform/hidden-keys/:key_id/release
  bulkChangeForPlatformRoute, //  POST   /api/v1/platform/hidden-keys/bulk
  getJobForPlatformRoute, //      GET    /api/v1/platform/jobs/:job_id
  cancelJobForPlatformRoute, //   POST   /api/v1/platform/jobs/:job_id/cancel
  findRefusalsRoute, //           GET    /api/v1/platform/refusals
  revokeKeysForPlatformRoute, //  DELETE /api/v1/platform/hidden-keys/user/:user_id
  revokeKeyForPlatformRoute, //   DELETE /api/v1/platform/hidden-keys/:key_id
  listApiKeysRoute, //     GET    /api/v1/apikeys
  createApiKeyRoute, //    POST   /api/v1/apikeys
  getApiKeyRoute, //       GET    /api/v1/apikeys/:id
  deleteApiKeyRoute, //    DELETE /api/v1/apikeys/:id
  rotateApiKeyRoute, //    POST   /api/v1/apikeys/:id/rotate
  revokeApiKeyRoute, //    POST   /api/v1/apikeys/:id/revoke
  getApiKeyUsageRoute, //  GET    /api/v1/apikeys/:id/usage
  getPlatformStatsRoute, //GET    /api/v1/platform/stats
  getTrafficRoute, //      GET    /api/v1/platform/traffic
  getTopTrafficRoute, //   GET    /api/v1/platform/traffic/top
  listVerifiersRoute, //   GET    /api/v1/platform/verifiers
  getQueuesRoute, //       GET    /api/v1/platform/queues
  getDiagnosisRoute, //    GET    /api/v1/platform/diagnosis
  listNamesRoute, //       GET    /api/v1/platform/names
  getPersonRoute, //       GET    /api/v1/platform/people/:id
  erasePersonRoute, //     DELETE /api/v1/platform/people/:id
  listOrganizationUsageRoute, // GET /api/v1/platform/usage
];
