/**
 * A fault as Prometheus records it: series with a sample a minute in promtool's notation (`0+6x30`
 * grows by six, thirty times), and when its alert must be silent and must fire.
 */
export type AlertCase = {
  series: Record<string, string>;
  quietAt: string;
  firesAt: string;
  /** Besides the severity. */
  labels?: Record<string, string>;
  summary: string;
};

const api = 'instance="api-1",job="flowplate-api"';
const worker = 'instance="worker-1",job="flowplate-worker"';

const verifications = (outcome: string) =>
  `flowplate_verifications_total{${api},endpoint="authz",outcome="${outcome}"}`;
const verificationSeconds = (part: string, le?: string) =>
  `flowplate_verification_seconds_${part}{${api},endpoint="authz",result="decided"${le === undefined ? '' : `,le="${le}"`}}`;

export const alertCases: Record<string, AlertCase> = {
  FlowplateVerificationFailing: {
    series: { [verifications('valid')]: '0+98x90', [verifications('undecided')]: '0x60 0+2x30' },
    quietAt: '60m',
    firesAt: '85m',
    summary: 'Verifications get no verdict: 0.8097% of the last hour',
  },
  FlowplateVerificationFailingSlowly: {
    series: { [verifications('valid')]: '0+995x800', [verifications('undecided')]: '0+5x800' },
    quietAt: '10m',
    firesAt: '8h',
    summary: 'Verifications get no verdict: 0.5% of the last six hours',
  },
  FlowplateVerificationSlow: {
    series: {
      [verificationSeconds('bucket', '0.01')]: '0+80x90',
      [verificationSeconds('count')]: '0+100x90',
    },
    quietAt: '4m',
    firesAt: '80m',
    summary: '20% of the verdicts took longer than 10 ms',
  },
  FlowplateRevokesPending: {
    series: { [`flowplate_pending_changes_total{${api}}`]: '0x10 1x3' },
    quietAt: '10m',
    firesAt: '13m',
    summary: 'Revokes are answered pending: some verifier does not confirm them',
  },
  FlowplateLeaseLost: {
    series: {
      [`flowplate_lease_held{${api}}`]: '1x9 0x10',
      'flowplate_lease_held{instance="api-2",job="flowplate-api"}': '1x20',
    },
    quietAt: '10m',
    firesAt: '12m',
    labels: { instance: 'api-1' },
    summary: 'api-1 may not verify from its memory any more',
  },
  FlowplateApiDown: {
    series: { [`up{${api}}`]: '1x9 0x10' },
    quietAt: '10m',
    firesAt: '12m',
    summary: 'No API process can be scraped',
  },
  FlowplateWorkerDown: {
    series: { [`up{${worker}}`]: '1x9 0x10' },
    quietAt: '12m',
    firesAt: '16m',
    summary: 'No worker can be scraped',
  },
  FlowplateProcessDown: {
    series: { [`up{${api}}`]: '1x9 0x10', 'up{instance="api-2",job="flowplate-api"}': '1x20' },
    quietAt: '11m',
    firesAt: '13m',
    labels: { instance: 'api-1', job: 'flowplate-api' },
    summary: 'api-1 of flowplate-api cannot be scraped',
  },
  FlowplateVerifierBehind: {
    series: { [`flowplate_verifiers_behind_seconds{${worker},kind="embedded"}`]: '0x9 20x10' },
    quietAt: '10m',
    firesAt: '12m',
    labels: { kind: 'embedded' },
    summary: 'A verifier (embedded) has not applied a change for 20s',
  },
  FlowplateUsageHeld: {
    series: { [`flowplate_usage_flush_age_seconds{${api}}`]: '0.2x9 60x10' },
    quietAt: '11m',
    firesAt: '13m',
    labels: { instance: 'api-1' },
    summary: 'api-1 has held counts for 1m 0s',
  },
  FlowplateUsageNotRolledUp: {
    series: { [`flowplate_usage_flushes_waiting{${worker}}`]: '20x9 5000x20' },
    quietAt: '15m',
    firesAt: '25m',
    summary: '5000 usage flushes wait in Redis',
  },
  FlowplateUsageSetAside: {
    series: { [`flowplate_usage_flushes_aside{${worker}}`]: '0x9 2x10' },
    quietAt: '10m',
    firesAt: '12m',
    summary: '2 usage flushes are set aside: their calls are counted nowhere',
  },
  FlowplateAuditUnsealed: {
    series: { [`flowplate_audit_unsealed_age_seconds{${worker}}`]: '4x9 600x20' },
    quietAt: '13m',
    firesAt: '20m',
    summary: 'An audit event has waited for its seal for 10m 0s',
  },
  FlowplateAuditStreamBehind: {
    series: { [`flowplate_audit_stream_age_seconds{${worker},stream="syslog"}`]: '4x9 600x20' },
    quietAt: '13m',
    firesAt: '20m',
    labels: { stream: 'syslog' },
    summary: 'The receiver syslog of the audit log has waited for an event for 10m 0s',
  },
  FlowplateJobFailing: {
    series: {
      [`flowplate_job_seconds_count{${worker},name="seal-audit",outcome="failed"}`]: '0x9 1+20x20',
      [`flowplate_job_seconds_count{${worker},name="seal-audit",outcome="done"}`]: '0+20x9 180x20',
      [`flowplate_job_last_success_timestamp_seconds{${worker},name="seal-audit"}`]: '0+60x9 540x20',
    },
    quietAt: '13m',
    firesAt: '17m',
    labels: { name: 'seal-audit' },
    summary: 'The job seal-audit fails, and has not succeeded for five minutes',
  },
  FlowplateGuessing: {
    series: { [verifications('valid')]: '0+60x40', [verifications('not_found')]: '0x10 0+6000x30' },
    quietAt: '15m',
    firesAt: '35m',
    summary: '100 calls a second with keys or master keys that do not exist',
  },
  FlowplateLimitsNotShared: {
    series: { [`flowplate_limit_decisions_total{${api},by="local"}`]: '0x10 0+30x20' },
    quietAt: '12m',
    firesAt: '20m',
    summary: 'Rate limits and quotas are decided without Redis',
  },
  FlowplateDependencyFaults: {
    series: { [`flowplate_dependency_faults_total{${api},dependency="redis"}`]: '0x10 0+60x20' },
    quietAt: '12m',
    firesAt: '20m',
    labels: { dependency: 'redis' },
    summary: 'redis is not reached',
  },
  FlowplateEventLoopLate: {
    series: { [`nodejs_eventloop_lag_p99_seconds{${api}}`]: '0.012x9 0.3x20' },
    quietAt: '13m',
    firesAt: '16m',
    labels: { instance: 'api-1' },
    summary: 'The event loop of api-1 is 300ms late (p99)',
  },
  FlowplatePoolFull: {
    series: { [`flowplate_postgres_connection_waiters{${api},pool="control"}`]: '0x9 12x20' },
    quietAt: '13m',
    firesAt: '16m',
    labels: { instance: 'api-1', pool: 'control' },
    summary: 'Callers wait for a connection of the pool control on api-1',
  },
  FlowplateBulkheadRefusing: {
    series: { [`flowplate_bulkhead_refused_total{${api},bulkhead="passwords"}`]: '0x10 0+60x20' },
    quietAt: '12m',
    firesAt: '20m',
    labels: { bulkhead: 'passwords' },
    summary: 'The bulkhead "passwords" refuses work',
  },
};

/** Nine hours of an ordinary day: now and then a fault, a stranger, a slow verdict. */
export const healthySeries: Record<string, string> = {
  [`up{${api}}`]: '1x540',
  [`up{${worker}}`]: '1x540',
  [verifications('valid')]: '0+60000x540',
  [verifications('not_found')]: '0+300x540',
  [verifications('unknown_gateway')]: '0+20x540',
  [verifications('undecided')]: '0+3x540',
  [verificationSeconds('bucket', '0.01')]: '0+59800x540',
  [verificationSeconds('count')]: '0+60000x540',
  [`flowplate_propagation_seconds_count{${api},propagation="complete"}`]: '0+60x540',
  [`flowplate_propagation_seconds_count{${api},propagation="pending"}`]: '0x540',
  [`flowplate_pending_changes_total{${api}}`]: '0x540',
  [`flowplate_lease_held{${api}}`]: '1x540',
  [`flowplate_verifiers_behind_seconds{${worker},kind="api"}`]: '0x540',
  [`flowplate_verifiers_behind_seconds{${worker},kind="embedded"}`]: '0.3x540',
  [`flowplate_usage_flush_age_seconds{${api}}`]: '0.2x540',
  [`flowplate_usage_flushes_waiting{${worker}}`]: '24x540',
  [`flowplate_usage_flushes_aside{${worker}}`]: '0x540',
  [`flowplate_audit_unsealed_age_seconds{${worker}}`]: '4x540',
  // Behind for a moment after each event.
  [`flowplate_audit_stream_age_seconds{${worker},stream="syslog"}`]: '4x540',
  // One run failed an hour ago, and the next one did not.
  [`flowplate_job_seconds_count{${worker},name="seal-audit",outcome="failed"}`]: '0x60 1x480',
  [`flowplate_job_seconds_count{${worker},name="seal-audit",outcome="done"}`]: '0+20x540',
  [`flowplate_job_last_success_timestamp_seconds{${worker},name="seal-audit"}`]: '0+60x540',
  [`flowplate_limit_decisions_total{${api},by="counted"}`]: '0+6000x540',
  [`flowplate_limit_decisions_total{${api},by="local"}`]: '0x540',
  [`flowplate_dependency_faults_total{${api},dependency="redis"}`]: '0x100 1x440',
  [`nodejs_eventloop_lag_p99_seconds{${api}}`]: '0.012x540',
  [`flowplate_postgres_connection_waiters{${api},pool="control"}`]: '0x540',
  [`flowplate_bulkhead_refused_total{${api},bulkhead="passwords"}`]: '0x540',
};
