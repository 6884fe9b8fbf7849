import { recorded } from './levels.ts';
import { max, min, observed, quantile, rate, sum } from './promql.ts';

/** Grafana's names of units. */
type Unit = 'reqps' | 's' | 'short' | 'percentunit' | 'bytes' | 'dateTimeFromNow' | 'ops';

export type Panel = {
  title: string;
  description: string;
  unit: Unit;
  kind: 'timeseries' | 'stat';
  queries: readonly { expr: string; legend: string }[];
};

export type Row = { title: string; panels: readonly Panel[] };

/** Grafana puts in a window that fits the time that is shown. */
const over = '$__rate_interval';

export const rows: readonly Row[] = [
  {
    title: 'Service levels',
    panels: [
      stat('Verifications without a verdict, last hour', 'The level allows 0.05 % over 30 days.', [
        { expr: recorded('verification_undecided', '1h'), legend: 'undecided' },
      ]),
      stat('Verdicts later than 10 ms, last hour', 'The level allows 1 % over 30 days.', [
        { expr: recorded('verification_slow', '1h'), legend: 'slow' },
      ]),
      stat('Revokes answered pending, last hour', 'The level allows 0.1 % over 30 days.', [
        { expr: recorded('changes_pending', '1h'), legend: 'pending' },
      ]),
    ],
  },
  {
    title: 'Verification',
    panels: [
      panel('Verifications by endpoint', 'Each key of a batch is one.', 'reqps', [
        {
          expr: rate('flowplate_verifications_total', over, { by: ['endpoint'] }),
          legend: '{{endpoint}}',
        },
      ]),
      panel('Verifications by outcome', 'Verdicts, and why there was none.', 'reqps', [
        { expr: rate('flowplate_verifications_total', over, { by: ['outcome'] }), legend: '{{outcome}}' },
      ]),
      panel('Latency of verdicts', 'From the head of the request to the answer being ready.', 's', [
        { expr: latency(0.5), legend: 'p50 {{endpoint}}' },
        { expr: latency(0.99), legend: 'p99 {{endpoint}}' },
      ]),
      panel('Requests by result', '`undecided` is the broker’s fault, `rejected` the gateway’s.', 'reqps', [
        { expr: observed('flowplate_verification_seconds', over, { by: ['result'] }), legend: '{{result}}' },
      ]),
      panel('Where records came from', 'A rising share of postgres: cold caches or a lapsed lease.', 'ops', [
        { expr: rate('flowplate_record_lookups_total', over, { by: ['source'] }), legend: '{{source}}' },
      ]),
      panel('Limited calls by who decided', 'Anything but `counted`: Redis is away, or late.', 'ops', [
        { expr: rate('flowplate_limit_decisions_total', over, { by: ['by'] }), legend: '{{by}}' },
      ]),
      panel('Verdicts by code', 'Those about callers of the API included.', 'ops', [
        { expr: rate('flowplate_verdicts_total', over, { by: ['code'] }), legend: '{{code}}' },
      ]),
      panel('Records in memory', 'Key records by process.', 'short', [
        { expr: sum('flowplate_records_in_memory', { by: ['instance'] }), legend: '{{instance}}' },
      ]),
    ],
  },
  {
    title: 'Revocation',
    panels: [
      panel('Time until a revoke is answered', '`pending` waits for two seconds.', 's', [
        { expr: propagation(0.5), legend: 'p50' },
        { expr: propagation(0.99), legend: 'p99' },
      ]),
      panel('Revokes by propagation', 'And other changes that take something away.', 'ops', [
        {
          expr: observed('flowplate_propagation_seconds', over, { by: ['propagation'] }),
          legend: '{{propagation}}',
        },
        { expr: rate('flowplate_pending_changes_total', over), legend: 'pending, counted apart' },
        {
          expr: rate('flowplate_held_up_by_verifiers_total', over, { by: ['kind'] }),
          legend: 'held up by {{kind}}',
        },
      ]),
      panel('Lease left', '0 when it is lost: this process then asks Postgres for each key.', 's', [
        { expr: min('flowplate_lease_remaining_seconds', { by: ['instance'] }), legend: '{{instance}}' },
        { expr: min('flowplate_lease_held', { by: ['instance'] }), legend: 'held: {{instance}}' },
      ]),
      panel('Verifiers by state', 'As the worker sees them; followers as their hubs do.', 'short', [
        { expr: max('flowplate_verifiers', { by: ['kind', 'state'] }), legend: '{{kind}}: {{state}}' },
        { expr: sum('flowplate_followers', { by: ['instance'] }), legend: 'followers of {{instance}}' },
      ]),
      panel('How far verifiers are behind', 'Age of the oldest change that one has not applied.', 's', [
        { expr: max('flowplate_verifiers_behind_seconds', { by: ['kind'] }), legend: '{{kind}}' },
      ]),
    ],
  },
  {
    title: 'Counting and audit',
    panels: [
      panel('Usage flushes', 'In Redis, and set aside.', 'short', [
        { expr: max('flowplate_usage_flushes_waiting'), legend: 'waiting' },
        { expr: max('flowplate_usage_flushes_aside'), legend: 'aside' },
      ]),
      panel('Counts not handed over', 'By process of the API.', 's', [
        { expr: max('flowplate_usage_flush_age_seconds', { by: ['instance'] }), legend: '{{instance}}' },
      ]),
      panel(
        'Left out',
        'Lines of usage reports, flushes that were set aside, and refusals in a flood.',
        'ops',
        [
          {
            expr: rate('flowplate_usage_reports_left_out_total', over, { by: ['reason'] }),
            legend: '{{reason}}',
          },
          { expr: rate('flowplate_usage_flushes_set_aside_total', over), legend: 'flushes set aside' },
          { expr: rate('flowplate_usage_flushes_dropped_total', over), legend: 'flushes dropped' },
          { expr: rate('flowplate_last_refusals_left_out_total', over), legend: 'refusals' },
        ],
      ),
      panel('Audit events without a seal', 'Some seconds are normal.', 's', [
        { expr: max('flowplate_audit_unsealed_age_seconds'), legend: 'age of the oldest' },
      ]),
      panel('Audit events that wait for a seal', 'Counted up to 100,000.', 'short', [
        { expr: max('flowplate_audit_unsealed_events'), legend: 'events' },
      ]),
      panel('Audit events that a receiver lacks', 'Of syslog, and of the file of lines.', 'short', [
        { expr: max('flowplate_audit_stream_events_behind', { by: ['stream'] }), legend: '{{stream}}' },
      ]),
      panel('Age of audit events that a receiver lacks', 'Some seconds are normal.', 's', [
        { expr: max('flowplate_audit_stream_age_seconds', { by: ['stream'] }), legend: '{{stream}}' },
      ]),
      panel('Jobs by outcome', 'Runs of background jobs.', 'ops', [
        {
          expr: observed('flowplate_job_seconds', over, { by: ['name', 'outcome'] }),
          legend: '{{name}}: {{outcome}}',
        },
      ]),
      panel('Duration of jobs', 'p99.', 's', [
        { expr: quantile(0.99, 'flowplate_job_seconds', over, { by: ['name'] }), legend: '{{name}}' },
      ]),
      panel('Since a job last succeeded', 'Of the worker that did it last.', 's', [
        {
          expr: `time() - ${max('flowplate_job_last_success_timestamp_seconds', { by: ['name'] })}`,
          legend: '{{name}}',
        },
      ]),
    ],
  },
  {
    title: 'Keys',
    panels: [
      panel('Keys by status', 'As of the last count.', 'short', [
        {
          expr: `sum by (kind, status) (${max('flowplate_keys', { by: ['kind', 'status', 'pepper'] })})`,
          legend: '{{kind}}: {{status}}',
        },
      ]),
      panel('Living keys by pepper', 'An old pepper can go when nothing is under it.', 'short', [
        {
          expr: `sum by (pepper) (${max('flowplate_keys', {
            by: ['kind', 'status', 'pepper'],
            where: { status: ['active', 'disabled', 'superseded'] },
          })})`,
          legend: '{{pepper}}',
        },
      ]),
      stat(
        'Keys counted',
        'The count is repeated every minute, and less often where it takes long.',
        [{ expr: `${max('flowplate_keys_counted_timestamp_seconds')} * 1000`, legend: 'last count' }],
        'dateTimeFromNow',
      ),
      panel('Attempts of webhooks', 'Dead ones were given up.', 'ops', [
        { expr: rate('flowplate_webhook_attempts_total', over, { by: ['outcome'] }), legend: '{{outcome}}' },
      ]),
      panel(
        'Delay and lag of webhooks',
        'Of first deliveries, p99; of the endpoint that is furthest behind.',
        's',
        [
          { expr: quantile(0.99, 'flowplate_webhook_delay_seconds', over), legend: 'delay' },
          { expr: max('flowplate_webhook_lag_seconds'), legend: 'lag' },
        ],
      ),
      panel('Webhooks', 'By state.', 'short', [
        { expr: max('flowplate_webhooks', { by: ['state'] }), legend: '{{state}}' },
      ]),
      panel('Fill of minted_by', 'Older keys; done is 1 once every key was looked at.', 'short', [
        { expr: max('flowplate_minted_by_filled_keys'), legend: 'filled' },
        { expr: max('flowplate_minted_by_fill_done'), legend: 'done' },
      ]),
    ],
  },
  {
    title: 'Processes',
    panels: [
      panel('Requests by status', 'All but verify, batch and forward auth.', 'reqps', [
        { expr: observed('flowplate_http_request_seconds', over, { by: ['status'] }), legend: '{{status}}' },
      ]),
      panel('Latency of routes', 'p99.', 's', [
        {
          expr: quantile(0.99, 'flowplate_http_request_seconds', over, { by: ['method', 'route'] }),
          legend: '{{method}} {{route}}',
        },
      ]),
      panel('Connections to Postgres', 'Busy ones and their bound, by pool.', 'short', [
        {
          expr: sum('flowplate_postgres_connections', { by: ['pool'], where: { state: 'busy' } }),
          legend: '{{pool}}',
        },
        { expr: sum('flowplate_postgres_connections_max', { by: ['pool'] }), legend: '{{pool}}: most' },
      ]),
      panel('Waiting for a connection', 'By pool.', 'short', [
        { expr: sum('flowplate_postgres_connection_waiters', { by: ['pool'] }), legend: '{{pool}}' },
      ]),
      panel('Refused beyond MANAGEMENT_RATE_LIMIT', 'By the kind of the credential.', 'ops', [
        {
          expr: rate('flowplate_rate_limited_requests_total', over, { by: ['kind'] }),
          legend: '{{kind}}',
        },
      ]),
      panel('Bulkheads', 'Running and waiting tasks.', 'short', [
        { expr: sum('flowplate_bulkhead_running', { by: ['bulkhead'] }), legend: '{{bulkhead}}: running' },
        { expr: sum('flowplate_bulkhead_waiting', { by: ['bulkhead'] }), legend: '{{bulkhead}}: waiting' },
        { expr: sum('flowplate_bulkhead_running_max', { by: ['bulkhead'] }), legend: '{{bulkhead}}: most' },
      ]),
      panel('Refused by bulkheads', 'Callers got 429 or 503.', 'ops', [
        {
          expr: rate('flowplate_bulkhead_refused_total', over, { by: ['bulkhead'] }),
          legend: '{{bulkhead}}',
        },
      ]),
      panel('Faults of dependencies', 'Met in the background.', 'ops', [
        {
          expr: rate('flowplate_dependency_faults_total', over, { by: ['dependency'] }),
          legend: '{{dependency}}',
        },
      ]),
      panel('Commands that Redis did not do', '`refused`: it is up, and says no.', 'ops', [
        {
          expr: rate('flowplate_redis_failed_commands_total', over, { by: ['reason'] }),
          legend: '{{reason}}',
        },
      ]),
      panel('Event-loop delay', 'p99 since the last scrape.', 's', [
        { expr: max('nodejs_eventloop_lag_p99_seconds', { by: ['instance'] }), legend: '{{instance}}' },
      ]),
      panel('Processor', 'Cores by process.', 'short', [
        { expr: rate('process_cpu_seconds_total', over, { by: ['instance'] }), legend: '{{instance}}' },
      ]),
      panel('Memory', 'By process.', 'bytes', [
        { expr: max('process_resident_memory_bytes', { by: ['instance'] }), legend: 'resident {{instance}}' },
        { expr: max('nodejs_heap_size_used_bytes', { by: ['instance'] }), legend: 'heap {{instance}}' },
      ]),
      panel('Processes that answer', 'And their release.', 'short', [
        { expr: 'sum by (job) (up)', legend: '{{job}}' },
        { expr: sum('flowplate_build_info', { by: ['version', 'node'] }), legend: '{{version}} on {{node}}' },
      ]),
    ],
  },
];

function latency(share: number): string {
  return quantile(share, 'flowplate_verification_seconds', over, {
    by: ['endpoint'],
    where: { result: 'decided' },
  });
}

function propagation(share: number): string {
  return quantile(share, 'flowplate_propagation_seconds', over);
}

function panel(title: string, description: string, unit: Unit, queries: Panel['queries']): Panel {
  return { title, description, unit, kind: 'timeseries', queries };
}

function stat(
  title: string,
  description: string,
  queries: Panel['queries'],
  unit: Unit = 'percentunit',
): Panel {
  return { title, description, unit, kind: 'stat', queries };
}
