import type { MintParts } from '../usecases/keys/mint-key.ts';
import type { RefreshParts } from '../usecases/keys/refresh-key.ts';
import type { HeartbeatParts } from '../usecases/verifiers/heartbeat.ts';
import type { ReportUsageParts } from '../usecases/verifiers/report-usage.ts';
import type { VerifyParts } from '../verify/verify-key.ts';
import { getKeyRoute } from './flowplate/get-key.ts';
import { getKeyUsageRoute } from './flowplate/get-key-usage.ts';
import { listKeysRoute } from './flowplate/list-keys.ts';
import { mintKeyRoute } from './flowplate/mint-key.ts';
import { refreshKeyRoute } from './flowplate/refresh-key.ts';
import { revokeKeyRoute } from './flowplate/revoke-key.ts';
import { revokeKeysRoute } from './flowplate/revoke-keys.ts';
import { revokeUserKeysRoute } from './flowplate/revoke-user-keys.ts';
import { updateKeyRoute } from './flowplate/update-key.ts';
import type { Route } from './route.ts';
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
  RefreshParts & {
    environment: string;
    verify: VerifyParts;
    verifiers: HeartbeatParts & ReportUsageParts;
    isDraining: () => boolean;
  };

/** The whole API, but for forward auth, which takes any method (verify/authorize.ts). Fixed segments come before parameters that would swallow them. */
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
];
