import type { Command } from 'commander';
import manifest from '../../../package.json' with { type: 'json' };
import { FlowplateApiError } from '../../sdk/errors.ts';
import type { FlowplateOperatorClient } from '../../sdk/operator-client.ts';
import type { Diagnosis, MasterKey, QueueHealth, Verifiers } from '../../sdk/operator-types.ts';
import { act, type Cli } from '../cli.ts';
import { examples } from '../examples.ts';
import { Refusal } from '../failure.ts';
import { toSeconds } from '../output/time.ts';

type Health = {
  status: 'ready' | 'degraded' | 'unavailable';
  draining: boolean;
  checks: { postgres: string; redis: string; lease: string };
  /** Why Postgres is not safe. */
  problems?: string[];
};

type Inside = {
  diagnosis: Diagnosis;
  verifiers: Verifiers;
  queues: QueueHealth;
  /** Null for operators who may not see them. */
  master_keys: MasterKey[] | null;
};

const healthMsMax = 5_000;
/** A live verifier applies changes within milliseconds. */
const behindMsMax = 2_000;
const expiresSoonMs = 30 * 86_400_000;

export function addStatus(program: Command): void {
  const command = program
    .command('status')
    .description('Whether the broker works, and what wants attention. 1 if it is not ready.')
    .action(
      act(async (cli) => {
        const startedAtMs = performance.now();
        const health = await readHealth(cli.options.server);
        const answeredMs = Math.round(performance.now() - startedAtMs);
        const inside = health.status === 'unavailable' ? undefined : await lookInside(cli);
        const attention = inside === undefined ? [] : attentionOf(inside);
        const answer = {
          server: cli.options.server,
          answered_ms: answeredMs,
          ...health,
          ...inside,
          attention,
        };
        cli.say(answer, ...outerLines(cli, health, answeredMs), ...innerLines(inside, attention));
        if (health.status === 'unavailable') process.exitCode = 1;
      }),
    );
  examples(command, 'flowplate status', 'flowplate status --server https://keys.internal:9123 --json');
}

/** Without a credential, and also from a broker that is not ready. */
async function readHealth(server: string): Promise<Health> {
  try {
    const answer = await fetch(`${server}/health/ready`, { signal: AbortSignal.timeout(healthMsMax) });
    const health = (await answer.json()) as Partial<Health>;
    if (health.checks !== undefined) return health as Health;
  } catch (error) {
    const { cause } = error as { cause?: { code?: string } };
    const why = cause?.code === undefined ? '' : ` (${cause.code})`;
    throw new Refusal(`${server} could not be reached${why}. Is it running, and is --server right?`);
  }
  throw new Refusal(`${server} does not answer as Flowplate Keys does`);
}

/** Undefined without an operator's credential: the health is for everybody. */
async function lookInside(cli: Cli): Promise<Inside | undefined> {
  const client = await cli.operator('platform').catch((error: unknown) => {
    if (error instanceof Refusal) return undefined;
    throw error;
  });
  if (client === undefined) {
    cli.note('Log in to see verifiers, the worker and what wants attention: flowplate platform login');
    return undefined;
  }
  const [diagnosis, verifiers, queues, master_keys] = await Promise.all([
    client.overview.diagnosis(),
    client.overview.verifiers(),
    client.overview.queues(),
    masterKeysOf(client),
  ]);
  return { diagnosis, verifiers, queues, master_keys };
}

async function masterKeysOf({ masterKeys }: FlowplateOperatorClient): Promise<MasterKey[] | null> {
  try {
    return (await masterKeys.list({ status: 'active', limit: 100 })).data;
  } catch (error) {
    if (error instanceof FlowplateApiError && error.code === 'INSUFFICIENT_PERMISSIONS') return null;
    throw error;
  }
}

function attentionOf({ diagnosis, verifiers, queues, master_keys }: Inside): string[] {
  const delays = verifiers.data.filter(({ state, behind_ms }) => state === 'live' && behind_ms > behindMsMax);
  const soon = Date.now() + expiresSoonMs;
  const ending = (master_keys ?? []).filter(
    ({ expires_at }) => expires_at !== null && Date.parse(expires_at) < soon,
  );
  return [
    ...diagnosis.findings.map(({ where, message }) => `${where}: ${message} See flowplate doctor`),
    ...delays.map(
      ({ id, master_key_id, lease_left_ms }) =>
        `Revokes are delayed by up to ${Math.ceil(lease_left_ms / 1_000)} s, because verifier ${id} (${master_key_id ?? 'an API process'}) is behind`,
    ),
    ...((queues.queue?.failed ?? 0) > 0 ? [`${queues.queue?.failed} job runs have failed`] : []),
    ...ending.map(
      ({ id, name, expires_at }) => `Master key ${name} (${id}) ends at ${toSeconds(expires_at ?? '')}`,
    ),
  ];
}

function outerLines(
  { options: { server } }: Cli,
  { status, checks, draining, problems = [] }: Health,
  ms: number,
): string[] {
  return [
    `Broker:     ${server} answers in ${ms} ms, and is ${status}${draining ? ' (draining)' : ''}`,
    `Postgres:   ${[checks.postgres, ...problems].join(' ')}`,
    `Redis:      ${checks.redis}`,
    `Lease:      ${checks.lease}`,
  ];
}

function innerLines(inside: Inside | undefined, attention: readonly string[]): string[] {
  if (inside === undefined) return [];
  const { diagnosis, verifiers, queues } = inside;
  const stores = `Postgres ${diagnosis.postgres_version}, Redis ${diagnosis.redis_version ?? 'unknown'}`;
  return [
    `Verifiers:  ${verifiers.live} live, ${verifiers.lapsed} lapsed`,
    `Worker:     ${workerText(queues)}`,
    `Versions:   broker ${diagnosis.version}, command line ${manifest.version}, ${stores}`,
    ...(attention.length === 0
      ? ['Attention:  nothing']
      : ['Attention:', ...attention.map((line) => `  - ${line}`)]),
  ];
}

function workerText({ queue }: QueueHealth): string {
  if (queue === null) return 'unknown, because Redis does not answer';
  const { last_completed, oldest_due } = queue;
  if (oldest_due !== null && oldest_due.seconds > 60) {
    return `silent: ${oldest_due.job} has been due for ${oldest_due.seconds} s`;
  }
  if (last_completed === null) return 'has completed no job yet';
  return `works; last: ${last_completed.job} at ${toSeconds(last_completed.at)}`;
}
