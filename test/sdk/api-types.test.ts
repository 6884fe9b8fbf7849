import { expect, test } from 'vitest';
import type { explainKeyRoute } from '../../src/http/user-keys/explain-key.ts';
import type { getKeyRoute } from '../../src/http/user-keys/get-key.ts';
import type { getKeyUsageRoute } from '../../src/http/user-keys/get-key-usage.ts';
import type { listKeyRefusalsRoute } from '../../src/http/user-keys/list-key-refusals.ts';
import type { listKeysRoute } from '../../src/http/user-keys/list-keys.ts';
import type { mintKeyRoute } from '../../src/http/user-keys/mint-key.ts';
import type { refreshKeyRoute } from '../../src/http/user-keys/refresh-key.ts';
import type { reportHygieneRoute } from '../../src/http/user-keys/report-hygiene.ts';
import type { revokeKeyRoute } from '../../src/http/user-keys/revoke-key.ts';
import type { updateKeyRoute } from '../../src/http/user-keys/update-key.ts';
import type { findRecordRoute } from '../../src/http/verifiers/find-record.ts';
import type { heartbeatRoute } from '../../src/http/verifiers/heartbeat.ts';
import type { registerVerifierRoute } from '../../src/http/verifiers/register-verifier.ts';
import type { introspectRoute } from '../../src/http/verify/introspect.ts';
import type { verifyKeyRoute } from '../../src/http/verify/verify-key.ts';
import type * as sdk from '../../src/sdk/api-types.ts';
import type { Beat, Heard, Registration } from '../../src/sdk/broker.ts';
import type { Answer, Body, Query, Same, Sendable } from './agreeing-types.ts';

type WithoutOwner<T> = Omit<T, 'user_id' | 'organization_id' | 'environment'>;

/** It compiles, or it does not. */
const agreed: {
  mint: Sendable<sdk.MintRequest, Body<typeof mintKeyRoute>>;
  minted: Same<WithoutOwner<sdk.MintedKey>, WithoutOwner<Answer<typeof mintKeyRoute>>>;
  refresh: Sendable<sdk.RefreshRequest, Body<typeof refreshKeyRoute>>;
  refreshed: Same<sdk.Refreshed, Answer<typeof refreshKeyRoute>>;
  revoked: Same<sdk.Revoked, Answer<typeof revokeKeyRoute>>;
  key: Same<sdk.Key, Answer<typeof getKeyRoute>>;
  page: Same<sdk.KeyPage, Answer<typeof listKeysRoute>>;
  changes: Sendable<sdk.KeyChanges, Body<typeof updateKeyRoute>>;
  updated: Same<sdk.UpdatedKey, Answer<typeof updateKeyRoute>>;
  explain: Sendable<sdk.ExplainRequest, Body<typeof explainKeyRoute>>;
  refusals: Same<sdk.KeyRefusal[], Answer<typeof listKeyRefusalsRoute>['data']>;
  hygiene: Same<sdk.HygienePage, Answer<typeof reportHygieneRoute>>;
  usage: Same<sdk.KeyUsage, Answer<typeof getKeyUsageRoute>>;
  range: Sendable<sdk.UsageRange, Query<typeof getKeyUsageRoute>>;
  verify: Sendable<sdk.VerifyRequest, Body<typeof verifyKeyRoute>>;
  introspection: Same<sdk.Introspection, Answer<typeof introspectRoute>>;
  /** "recent" is for earlier versions. */
  registration: Same<Required<Registration>, Omit<Answer<typeof registerVerifierRoute>, 'recent'>>;
  beat: Sendable<Beat, Body<typeof heartbeatRoute>>;
  heard: [Omit<Answer<typeof heartbeatRoute>, 'changes'>] extends [Omit<Heard, 'changes'>] ? true : never;
  record: keyof NonNullable<Answer<typeof findRecordRoute>['record']> extends string ? true : never;
} = {
  mint: true,
  minted: true,
  refresh: true,
  refreshed: true,
  revoked: true,
  key: true,
  page: true,
  changes: true,
  updated: true,
  explain: true,
  refusals: true,
  hygiene: true,
  usage: true,
  range: true,
  verify: true,
  introspection: true,
  registration: true,
  beat: true,
  heard: true,
  record: true,
};

test("the SDK's types and the API's schemas say the same", () => {
  expect(Object.values(agreed)).not.toContain(false);
});
