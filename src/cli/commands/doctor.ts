import { type Command, InvalidArgumentError } from 'commander';
import type { Diagnosis } from '../../sdk/operator-types.ts';
import { act, type Cli } from '../cli.ts';
import { examples } from '../examples.ts';

export type Finding = Diagnosis['findings'][number];

type Options = { metrics?: string[] };

/** This machine's clock may be this much off; a login ends by the server's. */
const clockDifferenceMsMax = 2_000;
const metricsMsMax = 5_000;

export function addDoctor(program: Command): void {
  const command = program
    .command('doctor')
    .description(
      'Looks for what is wrong with a deployment, and says how to mend it. 1 if there is an error.',
    )
    .option('--metrics <url>', 'an address that Prometheus reads; more than once for several', address, [])
    .action(
      act(async (cli, { metrics = [] }: Options) => {
        const diagnosis = await (await cli.operator('platform')).overview.diagnosis();
        const here = await findingsHere(cli, diagnosis, metrics);
        const findings = [...diagnosis.findings, ...here].sort(errorsFirst);
        cli.say({ ...diagnosis, findings }, ...findings.flatMap(toLines), summary(findings));
        if (findings.some(({ severity }) => severity === 'error')) process.exitCode = 1;
      }),
    );
  examples(
    command,
    'flowplate doctor',
    'flowplate doctor --metrics http://worker.internal:9125/metrics --json',
  );
}

function address(url: string, others: string[]): string[] {
  if (URL.canParse(url) && /^https?:$/.test(new URL(url).protocol)) return [...others, url];
  throw new InvalidArgumentError('It must be an address such as http://localhost:9124/metrics.');
}

/** Findings of this machine: the way to the server, its own clock, the addresses of metrics. */
async function findingsHere(
  { options: { server } }: Cli,
  { server_time }: Diagnosis,
  metrics: readonly string[],
): Promise<Finding[]> {
  const away = await Promise.all(metrics.map(metricsFinding));
  return [plainTextFinding(server), clockFinding(server_time), ...away].flatMap((finding) => finding ?? []);
}

function plainTextFinding(server: string): Finding | undefined {
  const { protocol, hostname } = new URL(server);
  if (protocol === 'https:' || /^(localhost|127\..*|\[::1\])$/.test(hostname)) return undefined;
  return {
    code: 'SERVER_IN_PLAIN_TEXT',
    severity: 'warning',
    where: 'way to the server',
    message: `${server} is not https. Everything between here and there can read credentials.`,
    fix: 'Put a TLS proxy before the broker, and use its https:// address',
  };
}

function clockFinding(serverTime: string): Finding | undefined {
  const seconds = Math.round((Date.now() - Date.parse(serverTime)) / 1_000);
  if (Math.abs(seconds) * 1_000 <= clockDifferenceMsMax) return undefined;
  return {
    code: 'CLOCKS_DIFFER',
    severity: 'warning',
    where: 'clock of this machine',
    message: `It is ${Math.abs(seconds)} s ${seconds > 0 ? 'ahead of' : 'behind'} the API's. Logins seem to end early or late.`,
    fix: 'Synchronise both machines (chrony or systemd-timesyncd)',
  };
}

async function metricsFinding(url: string): Promise<Finding | undefined> {
  const answer = await fetch(url, { signal: AbortSignal.timeout(metricsMsMax) }).catch(() => undefined);
  if (answer?.ok && /^# (HELP|TYPE) /m.test(await answer.text())) return undefined;
  return {
    code: 'METRICS_UNREACHABLE',
    severity: 'warning',
    where: `metrics at ${url}`,
    message: answer === undefined ? 'Nothing answers there, so no alert can fire.' : 'No metrics are there.',
    fix: 'Check METRICS_PORT or WORKER_METRICS_PORT, HOST, and the network between Prometheus and it',
  };
}

function errorsFirst(one: Finding, other: Finding): number {
  return Number(other.severity === 'error') - Number(one.severity === 'error');
}

function toLines({ severity, code, where, message, fix }: Finding): string[] {
  return [`${severity}: ${where}: ${message} (${code})`, `  fix: ${fix}`];
}

function summary(findings: readonly Finding[]): string {
  const errors = findings.filter(({ severity }) => severity === 'error').length;
  const warnings = findings.length - errors;
  if (findings.length === 0) return 'Nothing is wrong';
  return `${count(errors, 'error')}, ${count(warnings, 'warning')}`;
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}
