const keyId = 'flk_4f9a2b7c1d8e';
const organizationId = 'org_x1y2z3w4v5u6';
const owner = { user_id: 'usr_42', organization_id: organizationId };
const at = '2026-03-12T10:00:00.000Z';
const password = 'seven purple otters 3042';

const settled = {
  propagation: 'complete',
  propagation_detail: { acknowledged: 2, total: 2, waited_ms: 9, effective_by: at },
};

const newKey = {
  key: 'fl_user_prod_a1b2c3d4…',
  key_id: keyId,
  key_prefix: 'fl_user_prod_a1b2c3d4',
  ...owner,
  created_at: at,
};

const policy = {
  ttl_seconds_max: 7_776_000,
  ttl_seconds_default: 2_592_000,
  rate_limit_max: { limit: 100, window_seconds: 1 },
  rate_limit_default: { limit: 20, window_seconds: 1 },
  allowed_scopes: ['orders:read', 'orders:write'],
  allowed_environments: ['prod', 'stage'],
};

const platformUser = {
  id: 'puser_a1b2c3d4e5f6',
  email: 'ops@example.com',
  name: 'Ops User',
  is_active: true,
  role_ids: ['role_platform_operator'],
  last_login_at: null,
  created_at: at,
  updated_at: at,
  sign_in: 'password',
  is_break_glass: false,
};

const verdict = {
  valid: true,
  code: 'VALID',
  key_id: keyId,
  ...owner,
  environment: 'prod',
  scopes: ['read'],
  metadata: {},
  expires_at: null,
};

const revoked = { success: true, message: 'API keys revoked', revoked_count: 1, ...settled };

export type Example = { body?: object; answer?: unknown };

/**
 * Examples in the API document by operation id. A test parses each with the schema of its route.
 * Secrets are cut short: a whole one would look like a leak to secret scanners.
 */
export const examples: Readonly<Record<string, Example>> = {
  createWebhook: {
    body: { url: 'https://hooks.example.com/flowplate', types: ['key.revoked', 'key.expired'] },
  },
  updateWebhook: { body: { enabled: true } },
  replayWebhookEvents: { body: { event_ids: ['evt_00VcFVkvtDQEc20k4RuCXX'] } },
  verifyKey: {
    body: { key: newKey.key, scopes: ['read'], ip: '203.0.113.7' },
    answer: verdict,
  },
  verifyKeys: {
    body: { keys: [{ key: newKey.key }, { key: 'fl_user_prod_e5f6g7h8…' }] },
    answer: { results: [verdict, { valid: false, code: 'REVOKED' }] },
  },
  introspectKey: { body: { token: newKey.key } },
  revokeToken: { body: { token: newKey.key }, answer: {} },
  mintKey: {
    body: { ...owner, scopes: ['read'], rate_limit: { limit: 100, window_seconds: 60 } },
    answer: { ...newKey, scopes: ['read'], rate_limit: { limit: 100, window_seconds: 60 } },
  },
  mintKeys: { body: { ...owner, scopes: ['read'] }, answer: { ...newKey, scopes: ['read'] } },
  updateKey: { body: { enabled: false } },
  reportLeaks: {
    body: [{ token: newKey.key, type: 'flowplate_user_key', source: 'content' }],
  },
  refreshKey: {
    body: { grace_period_seconds: 600 },
    answer: { success: true, message: 'API key refreshed', new_key: newKey, ...settled },
  },
  bulkChangeKeys: {
    body: { action: 'revoke', filter: { unused_since: '2026-01-01' }, reason: 'policy', dry_run: true },
  },
  importKeys: {
    body: {
      ...owner,
      algorithm: 'sha256',
      hash: '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
    },
  },
  createImportSecret: { body: { name: 'old-signing', secret: 'c2VjcmV0', encoding: 'base64' } },
  bulkChangeHiddenKeys: {
    body: { action: 'revoke', filter: { minted_by: 'flm_1a2b3c4d5e6f7g8h9i0j1k' }, dry_run: true },
  },
  revokeKey: { answer: revoked },
  revokeKeys: { answer: revoked },
  revokeUserKeys: { answer: revoked },
  registerVerifier: { body: { lease: 'first_heartbeat' } },
  heartbeat: { body: { applied_seq: 1523, wait_ms: 5000 } },
  bootstrapPlatform: {
    body: { email: 'admin@example.com', password, name: 'Platform Admin' },
    answer: platformUser,
  },
  startDeviceLogin: {
    answer: {
      device_code: 'tW3q…',
      user_code: 'BCDF-GHJK',
      verification_uri: '/platform/device',
      expires_in: 600,
      interval: 5,
    },
  },
  pollDeviceLogin: { body: { device_code: '4fZkq8Yw2nXrT7sLb1cVd9GhJm3PqR5tUvWxYz0A' } },
  findDeviceLogin: { body: { user_code: 'BCDF-GHJK' } },
  answerDeviceLogin: { body: { user_code: 'BCDF-GHJK', approve: true } },
  logIn: {
    body: { email: 'ops@example.com', password },
    answer: { token: 'eyJ…', expires_at: '2026-03-13T10:00:00.000Z', user: platformUser },
  },
  createSession: { body: { email: 'ops@example.com', password } },
  listOwnSessions: {
    answer: [
      {
        id: 'sess_1a2b3c4d5e6f7g8h9i0j1k',
        created_at: '2026-03-12T10:00:00.000Z',
        expires_at: '2026-03-13T10:00:00.000Z',
        method: 'password',
        second_factor: 'totp',
        address: '192.0.2.10',
        user_agent: 'Mozilla/5.0 (X11; Linux x86_64)',
        current: true,
      },
    ],
  },
  endOtherSessions: { answer: { success: true, ended_count: 2 } },
  confirmSession: { body: { second_factor: { kind: 'totp', code: '123456' } } },
  activateTotp: { body: { code: '123456' } },
  addPasskey: {
    body: {
      name: 'Laptop',
      credential_id: 'pT5dCmVs0bFzYxYx',
      client_data: 'eyJ0eXBlIjoi',
      attestation: 'o2NmbXRkbm9uZQ',
      transports: ['internal'],
    },
  },
  changePassword: { body: { current_password: password, new_password: 'nine green herons 8127' } },
  createPlatformUser: {
    body: { email: 'ops@example.com', password, name: 'Ops User', role_ids: ['role_platform_operator'] },
    answer: platformUser,
  },
  listPlatformUsers: { answer: [platformUser] },
  updatePlatformUser: {
    body: { name: 'Operations Lead' },
    answer: { ...platformUser, name: 'Operations Lead' },
  },
  resetPlatformUserPassword: { body: { password } },
  createRole: { body: { name: 'auditor', permissions: ['platform:audit:read'] } },
  updateRole: { body: { permissions: ['platform:audit:read', 'platform:tenants:read'] } },
  createApiUser: { body: { name: 'Mobile App', email: 'app@example.com', role: 'user' } },
  bootstrapApiUsers: { body: { name: 'Admin Dashboard' } },
  updateApiUser: { body: { name: 'Updated Name', is_active: false } },
  createEnvironment: {
    body: { name: 'staging' },
    answer: { id: 'env_a1b2c3d4e5f6', name: 'staging', created_at: at },
  },
  provisionTenant: {
    body: { name: 'Acme Corp' },
    answer: { id: organizationId, name: 'Acme Corp', status: 'active', created_at: at },
  },
  updateTenant: { body: { status: 'suspended' } },
  setTenantPolicy: { body: policy },
  reportOnTenantPolicy: { body: { policy } },
  createMasterKey: { body: { name: 'gateway', permissions: ['keys:verify'], ip_allowlist: ['10.0.0.0/8'] } },
  updateMasterKey: { body: { mint_quota: { limit: 1000, period: 'day' }, living_keys_max: 50_000 } },
  rotateMasterKey: { body: { overlap_seconds: 3600 } },
  createApiKey: { body: { name: 'my-ci-key', platform: true } },
};

/** An error as the seed of all errors shows it. */
export const errorExample = {
  success: false,
  error: {
    code: 'VALIDATION_ERROR',
    message: 'The request is not valid.',
    system_message: 'unknown field `userId`; did you mean `user_id`?',
    type: 'validation_error',
    status: 422,
    trace_id: 'req_As2U3n0cwb7J00000008',
    timestamp: at,
    details: [{ path: '', message: 'unknown field `userId`; did you mean `user_id`?' }],
  },
} as const;
