import { fastBurn, levels, recorded, slowBurn } from './levels.ts';
import { max, min, observed, rate, select, sum } from './promql.ts';
import type { Timing } from './timing.ts';

export type Alert = {
  /** Also the heading of its paragraph in docs/operations.md. */
  name: string;
  /** `page`: users feel it now. `ticket`: it can wait for the morning. */
  severity: 'page' | 'ticket';
  /** One sentence with what Prometheus knows: `{{ $labels.job }}`, `{{ $value }}`. */
  summary: string;
  expr: string;
  for: string;
};

/** An error budget is spent too fast when both windows say so: the short one ends the alert. */
function burns(level: Parameters<typeof recorded>[0], budget: number, times: number): string {
  const [long, short] = times === fastBurn ? (['1h', '5m'] as const) : (['6h', '30m'] as const);
  const most = Number((budget * times).toPrecision(6));
  return `${recorded(level, long)} > ${most} and ${recorded(level, short)} > ${most}`;
}

export function alerts({ windows, hold }: Timing): Alert[] {
  const soon = windows['5m'];
  const hour = windows['1h'];
  return [
    {
      name: 'FlowplateVerificationFailing',
      severity: 'page',
      summary: 'Verifications get no verdict: {{ $value | humanizePercentage }} of the last hour',
      expr: burns('verification_undecided', 1 - levels.availability, fastBurn),
      for: hold(2),
    },
    {
      name: 'FlowplateVerificationFailingSlowly',
      severity: 'ticket',
      summary: 'Verifications get no verdict: {{ $value | humanizePercentage }} of the last six hours',
      expr: burns('verification_undecided', 1 - levels.availability, slowBurn),
      for: hold(15),
    },
    {
      name: 'FlowplateVerificationSlow',
      severity: 'page',
      summary: `{{ $value | humanizePercentage }} of the verdicts took longer than ${levels.latencySeconds * 1_000} ms`,
      expr: burns('verification_slow', 1 - levels.latency, fastBurn),
      for: hold(5),
    },
    {
      name: 'FlowplateRevokesPending',
      severity: 'page',
      summary: 'Revokes are answered pending: some verifier does not confirm them',
      expr: `${rate('flowplate_pending_changes_total', soon)} > 0`,
      for: hold(1),
    },
    {
      name: 'FlowplateLeaseLost',
      severity: 'page',
      summary: '{{ $labels.instance }} may not verify from its memory any more',
      expr: `${min('flowplate_lease_held', { by: ['instance'] })} == 0`,
      for: hold(1),
    },
    {
      name: 'FlowplateApiDown',
      severity: 'page',
      summary: 'No API process can be scraped',
      expr: `absent(${select('up', { job: 'flowplate-api' })} == 1)`,
      for: hold(1),
    },
    {
      name: 'FlowplateWorkerDown',
      severity: 'ticket',
      summary: 'No worker can be scraped',
      expr: `absent(${select('up', { job: 'flowplate-worker' })} == 1)`,
      for: hold(5),
    },
    {
      name: 'FlowplateProcessDown',
      severity: 'ticket',
      summary: '{{ $labels.instance }} of {{ $labels.job }} cannot be scraped',
      expr: `${select('up', { job: ['flowplate-api', 'flowplate-worker'] })} == 0`,
      for: hold(2),
    },
    {
      name: 'FlowplateVerifierBehind',
      severity: 'page',
      summary: 'A verifier ({{ $labels.kind }}) has not applied a change for {{ $value | humanizeDuration }}',
      expr: `${max('flowplate_verifiers_behind_seconds', { by: ['kind'] })} > 5`,
      for: hold(1),
    },
    {
      name: 'FlowplateUsageHeld',
      severity: 'ticket',
      summary: '{{ $labels.instance }} has held counts for {{ $value | humanizeDuration }}',
      expr: `${max('flowplate_usage_flush_age_seconds', { by: ['instance'] })} > 10`,
      for: hold(2),
    },
    {
      name: 'FlowplateUsageNotRolledUp',
      severity: 'ticket',
      summary: '{{ $value }} usage flushes wait in Redis',
      expr: `${max('flowplate_usage_flushes_waiting')} > 2000`,
      for: hold(10),
    },
    {
      name: 'FlowplateUsageSetAside',
      severity: 'ticket',
      summary: '{{ $value }} usage flushes are set aside: their calls are counted nowhere',
      expr: `${max('flowplate_usage_flushes_aside')} > 0`,
      for: hold(1),
    },
    {
      name: 'FlowplateAuditUnsealed',
      severity: 'ticket',
      summary: 'An audit event has waited for its seal for {{ $value | humanizeDuration }}',
      expr: `${max('flowplate_audit_unsealed_age_seconds')} > 300`,
      for: hold(5),
    },
    {
      name: 'FlowplateAuditStreamBehind',
      severity: 'ticket',
      summary:
        'The receiver {{ $labels.stream }} of the audit log has waited for an event for {{ $value | humanizeDuration }}',
      expr: `${max('flowplate_audit_stream_age_seconds', { by: ['stream'] })} > 300`,
      for: hold(5),
    },
    {
      name: 'FlowplateJobFailing',
      severity: 'ticket',
      summary: 'The job {{ $labels.name }} fails, and has not succeeded for five minutes',
      expr: jobFailing(hour),
      for: hold(1),
    },
    {
      name: 'FlowplateGuessing',
      severity: 'ticket',
      summary: '{{ $value | humanize }} calls a second with keys or master keys that do not exist',
      expr: guessing(soon),
      for: hold(10),
    },
    {
      name: 'FlowplateLimitsNotShared',
      severity: 'ticket',
      summary: 'Rate limits and quotas are decided without Redis',
      expr: `${rate('flowplate_limit_decisions_total', soon, { where: { by: ['local', 'overloaded'] } })} > 0`,
      for: hold(5),
    },
    {
      name: 'FlowplateDependencyFaults',
      severity: 'ticket',
      summary: '{{ $labels.dependency }} is not reached',
      expr: `${rate('flowplate_dependency_faults_total', soon, { by: ['dependency'] })} > 0.1`,
      for: hold(5),
    },
    {
      name: 'FlowplateEventLoopLate',
      severity: 'ticket',
      summary: 'The event loop of {{ $labels.instance }} is {{ $value | humanizeDuration }} late (p99)',
      expr: `${max('nodejs_eventloop_lag_p99_seconds', { by: ['instance'], where: { job: 'flowplate-api' } })} > 0.1`,
      for: hold(5),
    },
    {
      name: 'FlowplatePoolFull',
      severity: 'ticket',
      summary: 'Callers wait for a connection of the pool {{ $labels.pool }} on {{ $labels.instance }}',
      expr: `${sum('flowplate_postgres_connection_waiters', { by: ['instance', 'pool'] })} > 0`,
      for: hold(5),
    },
    {
      name: 'FlowplateBulkheadRefusing',
      severity: 'ticket',
      summary: 'The bulkhead "{{ $labels.bulkhead }}" refuses work',
      expr: `${rate('flowplate_bulkhead_refused_total', soon, { by: ['bulkhead'] })} > 0`,
      for: hold(5),
    },
  ];
}

/** One failure between two successes is no news; a job that runs hourly has no second one. */
function jobFailing(over: string): string {
  const failed = observed('flowplate_job_seconds', over, { by: ['name'], where: { outcome: 'failed' } });
  const lastSuccess = max('flowplate_job_last_success_timestamp_seconds', { by: ['name'] });
  return `${failed} > 0 and time() - ${lastSuccess} > 300`;
}

/** Both much, and most of what there is: a busy gateway has its share of mistyped keys. */
function guessing(over: string): string {
  const name = 'flowplate_verifications_total';
  const strangers = rate(name, over, { where: { outcome: ['not_found', 'malformed', 'unknown_gateway'] } });
  return `${strangers} > 20 and ${strangers} > 0.5 * ${rate(name, over)}`;
}
