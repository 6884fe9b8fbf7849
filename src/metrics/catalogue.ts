type Described = {
  type: 'counter' | 'gauge' | 'histogram';
  help: string;
  /** The processes that expose it. */
  of: readonly ('api' | 'worker')[];
  /** Each has few values: no id, key or path ever becomes one. */
  labels: readonly string[];
  /** How the processes behind one port are added up; their sum unless set. */
  aggregator?: 'min' | 'max' | 'first';
};

const api = ['api'] as const;
const worker = ['worker'] as const;
const both = ['api', 'worker'] as const;

/**
 * Every metric of the product: its name, type, labels and meaning. Dashboards and rules are made
 * from these names, so that a renamed metric cannot stay behind in one of them.
 */
export const catalogue = {
  flowplate_build_info: {
    type: 'gauge',
    help: 'Always 1; the labels say which release runs on which Node.js',
    of: both,
    labels: ['version', 'node'],
    aggregator: 'first',
  },
  flowplate_http_request_seconds: {
    type: 'histogram',
    help: 'Finished requests by route and status, without verify, batch and forward auth',
    of: api,
    labels: ['method', 'route', 'status'],
  },
  flowplate_rate_limited_requests_total: {
    type: 'counter',
    help: 'Management requests beyond MANAGEMENT_RATE_LIMIT, by the kind of their credential',
    of: api,
    labels: ['kind'],
  },
  flowplate_verifications_total: {
    type: 'counter',
    help: 'Verifications by endpoint and outcome; each key of a batch is one',
    of: api,
    labels: ['endpoint', 'outcome'],
  },
  flowplate_verification_seconds: {
    type: 'histogram',
    help: 'Requests to the verification endpoints, from their head to the answer being ready',
    of: api,
    labels: ['endpoint', 'result'],
  },
  flowplate_verdicts_total: {
    type: 'counter',
    help: 'Verdicts by code, those about callers of the API itself included',
    of: api,
    labels: ['code'],
  },
  flowplate_limit_decisions_total: {
    type: 'counter',
    help: 'Calls of limited keys by who decided: counted in Redis, local share of this process, overloaded',
    of: api,
    labels: ['by'],
  },
  flowplate_record_lookups_total: {
    type: 'counter',
    help: 'Where the records of verified keys came from',
    of: api,
    labels: ['source'],
  },
  flowplate_records_in_memory: {
    type: 'gauge',
    help: 'Key records in this process',
    of: api,
    labels: [],
  },
  flowplate_followers: {
    type: 'gauge',
    help: 'Verifiers in gateways that hold their leases from this process',
    of: api,
    labels: [],
  },
  flowplate_lease_held: {
    type: 'gauge',
    help: '1 while this process may verify from its caches',
    of: api,
    labels: [],
    aggregator: 'min',
  },
  flowplate_lease_remaining_seconds: {
    type: 'gauge',
    help: 'How long this process may go on verifying from its caches without Postgres',
    of: api,
    labels: [],
    aggregator: 'min',
  },
  flowplate_propagation_seconds: {
    type: 'histogram',
    help: 'From the commit of a revoke, or another change that takes something away, to its answer',
    of: api,
    labels: ['propagation'],
  },
  flowplate_pending_changes_total: {
    type: 'counter',
    help: 'Revokes and other changes that were answered pending, since some verifier had not confirmed them',
    of: api,
    labels: [],
  },
  flowplate_held_up_by_verifiers_total: {
    type: 'counter',
    help: 'Verifiers that had not confirmed a change in time, once for each pending change',
    of: api,
    labels: ['kind'],
  },
  flowplate_verifiers: {
    type: 'gauge',
    help: 'Verifiers by kind: current, behind the change feed for a second or more, or without a lease',
    of: worker,
    labels: ['kind', 'state'],
    aggregator: 'max',
  },
  flowplate_verifiers_behind_seconds: {
    type: 'gauge',
    help: 'Age of the oldest change that some verifier with a live lease has not applied',
    of: worker,
    labels: ['kind'],
    aggregator: 'max',
  },
  flowplate_usage_flush_age_seconds: {
    type: 'gauge',
    help: 'How long this process has been holding counts that it has not handed over',
    of: api,
    labels: [],
    aggregator: 'max',
  },
  flowplate_usage_flushes_waiting: {
    type: 'gauge',
    help: 'Usage flushes in Redis, not rolled up yet',
    of: worker,
    labels: [],
    aggregator: 'max',
  },
  flowplate_usage_flushes_aside: {
    type: 'gauge',
    help: 'Usage flushes that were set aside and not put back',
    of: worker,
    labels: [],
    aggregator: 'max',
  },
  flowplate_minted_by_filled_keys: {
    type: 'gauge',
    help: 'Older keys whose minted_by was filled from their audit events',
    of: worker,
    labels: [],
    aggregator: 'max',
  },
  flowplate_minted_by_fill_done: {
    type: 'gauge',
    help: '1 once the fill of minted_by has looked at every key',
    of: worker,
    labels: [],
    aggregator: 'max',
  },
  flowplate_usage_flushes_set_aside_total: {
    type: 'counter',
    help: 'Usage flushes that could not be added up and were set aside',
    of: both,
    labels: [],
  },
  flowplate_usage_flushes_dropped_total: {
    type: 'counter',
    help: 'Values in Redis in place of usage flushes that no process of ours wrote, beyond what is set aside',
    of: both,
    labels: [],
  },
  flowplate_usage_reports_left_out_total: {
    type: 'counter',
    help: 'Lines of usage reports that were not counted, by reason',
    of: api,
    labels: ['reason'],
  },
  flowplate_last_refusals_left_out_total: {
    type: 'counter',
    help: 'Refusals that were not kept among the last ones of their key, for lack of room in a flood',
    of: api,
    labels: [],
  },
  flowplate_audit_unsealed_events: {
    type: 'gauge',
    help: 'Audit events that wait for their seal; counted up to 100,000',
    of: worker,
    labels: [],
    aggregator: 'max',
  },
  flowplate_audit_stream_events_behind: {
    type: 'gauge',
    help: 'Sealed audit events that a receiver outside of the broker does not have yet',
    of: worker,
    labels: ['stream'],
    aggregator: 'max',
  },
  flowplate_audit_stream_age_seconds: {
    type: 'gauge',
    help: 'Age of the oldest sealed audit event that a receiver outside of the broker does not have yet',
    of: worker,
    labels: ['stream'],
    aggregator: 'max',
  },
  flowplate_audit_unsealed_age_seconds: {
    type: 'gauge',
    help: 'Age of the oldest audit event that waits for its seal',
    of: worker,
    labels: [],
    aggregator: 'max',
  },
  flowplate_webhook_attempts_total: {
    type: 'counter',
    help: 'Attempts to send an event to a webhook: delivered, failed, or given up as a dead letter',
    of: worker,
    labels: ['outcome'],
  },
  flowplate_webhook_delay_seconds: {
    type: 'histogram',
    help: 'From an event to its delivery, for those that were delivered at the first attempt',
    of: worker,
    labels: [],
  },
  flowplate_webhooks: {
    type: 'gauge',
    help: 'Webhooks by state',
    of: worker,
    labels: ['state'],
    aggregator: 'max',
  },
  flowplate_webhook_lag_seconds: {
    type: 'gauge',
    help: 'Age of the oldest event that some enabled webhook has not come to',
    of: worker,
    labels: [],
    aggregator: 'max',
  },
  flowplate_keys: {
    type: 'gauge',
    help: 'Keys by kind, status and pepper, as of the last count',
    of: worker,
    labels: ['kind', 'status', 'pepper'],
    aggregator: 'max',
  },
  flowplate_keys_counted_timestamp_seconds: {
    type: 'gauge',
    help: 'Unix time of the last count of keys',
    of: worker,
    labels: [],
    aggregator: 'max',
  },
  // `name`, because Prometheus writes the name of the scrape job into the label `job`.
  flowplate_job_seconds: {
    type: 'histogram',
    help: 'Background jobs by name and outcome',
    of: worker,
    labels: ['name', 'outcome'],
  },
  flowplate_job_last_success_timestamp_seconds: {
    type: 'gauge',
    help: 'Unix time at which this process last finished a job of this name; its own start before that',
    of: worker,
    labels: ['name'],
    aggregator: 'max',
  },
  flowplate_redis_failed_commands_total: {
    type: 'counter',
    help: 'Commands that Redis did not answer (no connection, or too late) or answered with an error',
    of: both,
    labels: ['reason'],
  },
  flowplate_dependency_faults_total: {
    type: 'counter',
    help: 'Faults met in the background, by what was not reached',
    of: both,
    labels: ['dependency'],
  },
  flowplate_postgres_connections: {
    type: 'gauge',
    help: 'Open connections to Postgres by pool and state',
    of: both,
    labels: ['pool', 'state'],
  },
  flowplate_postgres_connections_max: {
    type: 'gauge',
    help: 'Connections that a pool may open',
    of: both,
    labels: ['pool'],
  },
  flowplate_postgres_connection_waiters: {
    type: 'gauge',
    help: 'Callers that wait for a connection of a pool',
    of: both,
    labels: ['pool'],
  },
  flowplate_bulkhead_running: {
    type: 'gauge',
    help: 'Tasks that run in a bulkhead',
    of: api,
    labels: ['bulkhead'],
  },
  flowplate_bulkhead_running_max: {
    type: 'gauge',
    help: 'Tasks that may run in a bulkhead at once',
    of: api,
    labels: ['bulkhead'],
  },
  flowplate_bulkhead_waiting: {
    type: 'gauge',
    help: 'Tasks that wait for a place in a bulkhead',
    of: api,
    labels: ['bulkhead'],
  },
  flowplate_bulkhead_refused_total: {
    type: 'counter',
    help: 'Tasks that found all places and all waiting room of a bulkhead taken',
    of: api,
    labels: ['bulkhead'],
  },
} as const satisfies Record<string, Described>;

export type MetricName = keyof typeof catalogue;
export type MetricLabel<Name extends MetricName> = (typeof catalogue)[Name]['labels'][number];
export type NameOf<Type extends Described['type']> = {
  [Name in MetricName]: (typeof catalogue)[Name]['type'] extends Type ? Name : never;
}[MetricName];

export function describe(name: MetricName): Described {
  return catalogue[name];
}
