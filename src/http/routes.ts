import type { ExportAuditParts } from '../usecases/audit/export-audit-events.ts';
import type { VerifyAuditParts } from '../usecases/audit/verify-audit.ts';
import type { MintParts } from '../usecases/keys/mint-key.ts';
import type { RefreshParts } from '../usecases/keys/refresh-key.ts';
import type { OperatorParts } from '../usecases/operators/operator-parts.ts';
import type { QueueHealthParts } from '../usecases/platform-stats/get-queue-health.ts';
import type { LogInParts } from '../usecases/sessions/log-in.ts';
import type { HeartbeatParts } from '../usecases/verifiers/heartbeat.ts';
import type { RegisterParts } from '../usecases/verifiers/register-verifier.ts';
import type { ReportUsageParts } from '../usecases/verifiers/report-usage.ts';
import type { VerifyParts } from '../verify/verify-key.ts';
import type { ApiUserAccessParts } from './access/api-user.ts';
import type { MasterKeyAccessParts } from './access/master-key.ts';
import type { OperatorAccessParts } from './access/operator.ts';
import { createApiKeyRoute } from './api-keys/create-api-key.ts';
import { deleteApiKeyRoute } from './api-keys/delete-api-key.ts';
import { getApiKeyRoute } from './api-keys/get-api-key.ts';
import { getApiKeyUsageRoute } from './api-keys/get-api-key-usage.ts';
import { listApiKeysRoute } from './api-keys/list-api-keys.ts';
import { revokeApiKeyRoute } from './api-keys/revoke-api-key.ts';
import { rotateApiKeyRoute } from './api-keys/rotate-api-key.ts';
import { createEnvironmentRoute } from './environments/create-environment.ts';
import { deleteEnvironmentRoute } from './environments/delete-environment.ts';
import { listEnvironmentsRoute } from './environments/list-environments.ts';
import { getKeyRoute } from './flowplate/get-key.ts';
import { getKeyUsageRoute } from './flowplate/get-key-usage.ts';
import { listKeysRoute } from './flowplate/list-keys.ts';
import { mintKeyRoute } from './flowplate/mint-key.ts';
import { refreshKeyRoute } from './flowplate/refresh-key.ts';
import { revokeKeyRoute } from './flowplate/revoke-key.ts';
import { revokeKeysRoute } from './flowplate/revoke-keys.ts';
import { revokeUserKeysRoute } from './flowplate/revoke-user-keys.ts';
import { updateKeyRoute } from './flowplate/update-key.ts';
import { bootstrapRoute } from './platform/bootstrap.ts';
import { changePasswordRoute } from './platform/change-password.ts';
import { createMasterKeyRoute } from './platform/create-master-key.ts';
import { createRoleRoute } from './platform/create-role.ts';
import { createSessionRoute } from './platform/create-session.ts';
import { createUserRoute } from './platform/create-user.ts';
import { deleteRoleRoute } from './platform/delete-role.ts';
import { deleteTenantRoute } from './platform/delete-tenant.ts';
import { deleteUserRoute } from './platform/delete-user.ts';
import { exportAuditEventsRoute } from './platform/export-audit-events.ts';
import { getHiddenKeyRoute } from './platform/get-hidden-key.ts';
import { getHiddenKeyUsageRoute } from './platform/get-hidden-key-usage.ts';
import { getMasterKeyRoute } from './platform/get-master-key.ts';
import { getMeRoute } from './platform/get-me.ts';
import { getQueuesRoute } from './platform/get-queues.ts';
import { getSessionRoute } from './platform/get-session.ts';
import { getTenantRoute } from './platform/get-tenant.ts';
import { getTopTrafficRoute } from './platform/get-top-traffic.ts';
import { getTrafficRoute } from './platform/get-traffic.ts';
import { getUserRoute } from './platform/get-user.ts';
import { listAuditEventsRoute } from './platform/list-audit-events.ts';
import { listHiddenKeysRoute } from './platform/list-hidden-keys.ts';
import { listMasterKeysRoute } from './platform/list-master-keys.ts';
import { listRolesRoute } from './platform/list-roles.ts';
import { listTenantsRoute } from './platform/list-tenants.ts';
import { listUsersRoute } from './platform/list-users.ts';
import { listVerifiersRoute } from './platform/list-verifiers.ts';
import { logInRoute } from './platform/log-in.ts';
import { logOutRoute } from './platform/log-out.ts';
import { provisionTenantRoute } from './platform/provision-tenant.ts';
import { resetPasswordRoute } from './platform/reset-password.ts';
import { revokeHiddenKeyRoute } from './platform/revoke-hidden-key.ts';
import { revokeHiddenKeysRoute } from './platform/revoke-hidden-keys.ts';
import { revokeMasterKeyRoute } from './platform/revoke-master-key.ts';
import { rotateMasterKeyRoute } from './platform/rotate-master-key.ts';
import { getPlatformStatsRoute } from './platform/stats.ts';
import { updateRoleRoute } from './platform/update-role.ts';
import { updateTenantRoute } from './platform/update-tenant.ts';
import { updateUserRoute } from './platform/update-user.ts';
import { verifyAuditRoute } from './platform/verify-audit.ts';
import type { Route } from './route.ts';
import { bootstrapApiUsersRoute } from './users/bootstrap-api-users.ts';
import { createApiUserRoute } from './users/create-api-user.ts';
import { deleteApiUserRoute } from './users/delete-api-user.ts';
import { getApiUserRoute } from './users/get-api-user.ts';
import { listApiUsersRoute } from './users/list-api-users.ts';
import { rotateApiUserKeyRoute } from './users/rotate-api-user-key.ts';
import { updateApiUserRoute } from './users/update-api-user.ts';
import { findRecordRoute } from './verifiers/find-record.ts';
import { heartbeatRoute } from './verifiers/heartbeat.ts';
import { registerVerifierRoute } from './verifiers/register-verifier.ts';
import { removeVerifierRoute } from './verifiers/remove-verifier.ts';
import { reportUsageRoute } from './verifiers/report-usage.ts';
import { introspectRoute } from './verify/introspect.ts';
import { verifyBatchRoute } from './verify/verify-batch.ts';
import { verifyKeyRoute } from './verify/verify-key.ts';

/** What the operations may use, taken together; each one says for itself how little of it it needs. */
export type ApiParts = MintParts &
  RefreshParts &
  MasterKeyAccessParts &
  ApiUserAccessParts &
  OperatorAccessParts &
  OperatorParts &
  LogInParts &
  QueueHealthParts &
  VerifyAuditParts &
  ExportAuditParts & {
    environment: string;
    verify: VerifyParts;
    isPlatformBootstrapped(): Promise<boolean>;
    verifiers: HeartbeatParts & RegisterParts;
    usageReports: ReportUsageParts;
    isDraining: () => boolean;
  };

/**
 * The whole API, but for forward auth, which takes any method (verify/authorize.ts). The order of
 * this list decides nothing (route-order.ts).
 */
export const routes: readonly Route<ApiParts>[] = [
  verifyKeyRoute, //       POST   /v1/flowplate/api-keys/verify
  verifyBatchRoute, //     POST   /v1/flowplate/api-keys/verify/batch
  introspectRoute, //      POST   /v1/flowplate/introspect
  mintKeyRoute, //         POST   /v1/flowplate/api-keys
  listKeysRoute, //        GET    /v1/flowplate/api-keys
  getKeyRoute, //          GET    /v1/flowplate/api-keys/:key_id
  updateKeyRoute, //       PATCH  /v1/flowplate/api-keys/:key_id
  getKeyUsageRoute, //     GET    /v1/flowplate/api-keys/:key_id/usage
  refreshKeyRoute, //      POST   /v1/flowplate/api-keys/:user_id/:org_id/refresh
  revokeUserKeysRoute, //  DELETE /v1/flowplate/api-keys/user/:user_id
  revokeKeyRoute, //       DELETE /v1/flowplate/api-keys/:key_id
  revokeKeysRoute, //      DELETE /v1/flowplate/api-keys/:user_id/:org_id
  registerVerifierRoute, //POST   /v1/flowplate/verifiers
  heartbeatRoute, //       POST   /v1/flowplate/verifiers/:verifier_id/heartbeat
  findRecordRoute, //      POST   /v1/flowplate/verifiers/:verifier_id/records
  reportUsageRoute, //     POST   /v1/flowplate/verifiers/:verifier_id/usage
  removeVerifierRoute, //  DELETE /v1/flowplate/verifiers/:verifier_id
  bootstrapRoute, //       POST   /api/v1/platform/bootstrap
  logInRoute, //           POST   /api/v1/platform/auth/login
  logOutRoute, //          POST   /api/v1/platform/auth/logout
  getMeRoute, //           GET    /api/v1/platform/auth/me
  changePasswordRoute, //  POST   /api/v1/platform/auth/change-password
  getSessionRoute, //      GET    /api/v1/platform/session
  createSessionRoute, //   POST   /api/v1/platform/session
  listUsersRoute, //       GET    /api/v1/platform/users
  createUserRoute, //      POST   /api/v1/platform/users
  getUserRoute, //         GET    /api/v1/platform/users/:id
  updateUserRoute, //      PUT    /api/v1/platform/users/:id
  deleteUserRoute, //      DELETE /api/v1/platform/users/:id
  resetPasswordRoute, //   POST   /api/v1/platform/users/:id/reset-password
  listRolesRoute, //       GET    /api/v1/platform/roles
  createRoleRoute, //      POST   /api/v1/platform/roles
  updateRoleRoute, //      PUT    /api/v1/platform/roles/:id
  deleteRoleRoute, //      DELETE /api/v1/platform/roles/:id
  listAuditEventsRoute, // GET    /api/v1/platform/audit
  exportAuditEventsRoute, //GET   /api/v1/platform/audit/export
  verifyAuditRoute, //     GET    /api/v1/platform/audit/verify
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
  listTenantsRoute, //       GET    /api/v1/platform/tenants
  provisionTenantRoute, //   POST   /api/v1/platform/tenants
  getTenantRoute, //         GET    /api/v1/platform/tenants/:id
  updateTenantRoute, //      PATCH  /api/v1/platform/tenants/:id
  deleteTenantRoute, //      DELETE /api/v1/platform/tenants/:id
  listMasterKeysRoute, //    GET    /api/v1/platform/master-keys
  createMasterKeyRoute, //   POST   /api/v1/platform/master-keys
  getMasterKeyRoute, //      GET    /api/v1/platform/master-keys/:id
  rotateMasterKeyRoute, //   POST   /api/v1/platform/master-keys/:id/rotate
  revokeMasterKeyRoute, //   POST   /api/v1/platform/master-keys/:id/revoke
  listHiddenKeysRoute, //    GET    /api/v1/platform/hidden-keys
  getHiddenKeyRoute, //      GET    /api/v1/platform/hidden-keys/:key_id
  getHiddenKeyUsageRoute, // GET    /api/v1/platform/hidden-keys/:key_id/usage
  revokeHiddenKeysRoute, //  DELETE /api/v1/platform/hidden-keys/user/:user_id
  revokeHiddenKeyRoute, //   DELETE /api/v1/platform/hidden-keys/:key_id
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
];
