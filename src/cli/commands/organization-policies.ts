import { readFileSync } from 'node:fs';
import { type Command, InvalidArgumentError } from 'commander';
import type { FlowplateOperatorClient } from '../../sdk/operator-client.ts';
import type { PolicyReport, ShownPolicy, TenantPolicy } from '../../sdk/operator-types.ts';
import { act } from '../cli.ts';
import { examples } from '../examples.ts';
import { printableJson } from '../output/printable.ts';
import { startProgress } from '../output/progress.ts';
import type { Column } from '../output/table.ts';
import { toSeconds } from '../output/time.ts';
import { jsonObject } from '../values.ts';

type NonCompliantKey = PolicyReport['data'][number];

const columns: readonly Column<NonCompliantKey>[] = [
  ['KEY ID', ({ key_id }) => key_id],
  ['USER', ({ user_id }) => user_id],
  ['ENVIRONMENT', ({ environment }) => environment],
  ['CREATED', ({ created_at }) => toSeconds(created_at)],
  ['RULES', ({ rules }) => rules.join(', ')],
];

export function addOrganizations(program: Command): void {
  const organizations = program.command('orgs').description('Rules for the user keys of an organization.');
  const policy = organizations.command('policy').description('The policy of an organization.');
  addShow(policy);
  addSet(policy);
  addClear(policy);
  addReport(policy);
  examples(organizations, 'flowplate orgs policy show org_x1y2z3w4');
  examples(policy, 'flowplate orgs policy show org_x1y2z3w4');
}

function addShow(policy: Command): void {
  const command = policy
    .command('show [organization_id]')
    .description('Shows a policy: of an organization, for operators, or of the own one of a tenant key.')
    .action(
      act(async (cli, _, id?: string) => {
        const shown =
          id === undefined
            ? await (await cli.operator('organization')).tenants.ownPolicy()
            : await (await cli.operator('platform')).tenants.policy(id);
        cli.say(shown, ...sentencesOf(shown));
      }),
    );
  examples(command, 'flowplate orgs policy show org_x1y2z3w4');
}

function addSet(policy: Command): void {
  const command = policy
    .command('set <organization_id>')
    .description('Replaces the policy by a JSON document. It holds for the next mint, refresh and change.')
    .requiredOption('--from-file <path>', 'the document; - for stdin', policyFile)
    .action(
      act(async (cli, { fromFile }: { fromFile: TenantPolicy }, id: string) => {
        const shown = await (await cli.operator('platform')).tenants.setPolicy(id, fromFile);
        cli.say(shown, `Set the policy of ${id}`);
      }),
    );
  examples(command, 'flowplate orgs policy set org_x1y2z3w4 --from-file policy.json');
}

function addClear(policy: Command): void {
  const command = policy
    .command('clear <organization_id>')
    .description('Takes the policy away. Keys keep what it gave them.')
    .action(
      act(async (cli, _, id: string) => {
        const shown = await (await cli.operator('platform')).tenants.clearPolicy(id);
        cli.say(shown, `Cleared the policy of ${id}`);
      }),
    );
  examples(command, 'flowplate orgs policy clear org_x1y2z3w4');
}

function addReport(policy: Command): void {
  type Options = { fromFile?: TenantPolicy; all?: true };
  const command = policy
    .command('report <organization_id>')
    .description('Counts and lists the active keys that break the policy, or would break an edited one.')
    .option('--from-file <path>', 'an edited document; - for stdin', policyFile)
    .option('--all', `list every key, not only the first ${shownMax}`)
    .action(
      act(async (cli, { fromFile, all }: Options, id: string) => {
        const listedMax = all ? Number.POSITIVE_INFINITY : shownMax;
        const report = await wholeReport(await cli.operator('platform'), id, fromFile, listedMax);
        const { data, non_compliant } = report;
        cli.say(report, ...countsOf(report));
        if (!cli.options.json && data.length > 0) cli.printTable(data, columns);
        if (non_compliant > data.length) cli.note(`and ${non_compliant - data.length} more: add --all`);
      }),
    );
  examples(
    command,
    'flowplate orgs policy report org_x1y2z3w4',
    'flowplate orgs policy report org_x1y2z3w4 --from-file edited.json',
  );
}

const shownMax = 20;

type WholeReport = Omit<PolicyReport, 'next_cursor'>;

/** All pages of a report as one, with at most `listedMax` keys. */
async function wholeReport(
  { tenants }: FlowplateOperatorClient,
  id: string,
  policy: TenantPolicy | undefined,
  listedMax: number,
): Promise<WholeReport> {
  const progress = startProgress();
  const whole: WholeReport = { examined: 0, non_compliant: 0, by_rule: {}, data: [] };
  try {
    for (let cursor: string | undefined; ; ) {
      const page = await tenants.reportOnPolicy(id, { policy, limit: pageMax, cursor });
      addPage(whole, page);
      whole.data.push(...page.data.slice(0, listedMax - whole.data.length));
      progress.show(`${whole.examined} keys examined`);
      if (page.next_cursor === null) return whole;
      cursor = page.next_cursor;
    }
  } finally {
    progress.end();
  }
}

const pageMax = 1_000;

function addPage(whole: WholeReport, { examined, non_compliant, by_rule }: PolicyReport): void {
  whole.examined += examined;
  whole.non_compliant += non_compliant;
  const counts: Record<string, number> = whole.by_rule;
  for (const [rule, count] of Object.entries(by_rule)) counts[rule] = (counts[rule] ?? 0) + count;
}

function countsOf({ examined, non_compliant, by_rule }: WholeReport): string[] {
  const rules = Object.entries(by_rule).map(([rule, count]) => `  ${rule}: ${count}`);
  return [`${non_compliant} of ${examined} active keys break the policy`, ...rules];
}

function sentencesOf({ policy }: ShownPolicy): string[] {
  return policy === null ? ['No policy: everything is allowed'] : printableJson(policy).split('\n');
}

/** The document is checked by the API. */
function policyFile(path: string): TenantPolicy {
  return jsonObject(readText(path)) as TenantPolicy;
}

function readText(path: string): string {
  try {
    return readFileSync(path === '-' ? 0 : path, 'utf8');
  } catch (error) {
    throw new InvalidArgumentError(`${path} cannot be read: ${(error as Error).message}`);
  }
}
