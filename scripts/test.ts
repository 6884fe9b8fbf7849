import { spawnSync } from 'node:child_process';
import { parseArgs } from 'node:util';
import { checks } from './checks/checks.ts';
import { runChecks } from './checks/run-checks.ts';
import { findProgram } from './services/debian-programs.ts';
import { projectRoot } from './services/project-root.ts';
import { changedTests } from './tests/changed-tests.ts';
import { argumentsOf, groupNames, slowGroups } from './tests/groups.ts';

const usage = `Runs every check and every test.

  scripts/test                     everything
  scripts/test <path…> [options]   only these tests; options are vitest's
  scripts/test --group <name>      the tests of a group, also several times
  scripts/test --changed [--since <commit>]
                                   what a change touches: uncommitted, or since a commit
  scripts/test --help

Groups:
${Object.entries(slowGroups)
  .map(([name, about]) => `  ${name.padEnd(16)} ${about}`)
  .join('\n')}
  ${'quick'.padEnd(16)} all the others
`;

process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<number> {
  const { values, others } = readArguments(args);
  const unknown = values.group.filter((group) => !groupNames.includes(group));
  if (values.help || unknown.length > 0) {
    console.log(unknown.length > 0 ? `There is no group ${unknown.join(', ')}\n\n${usage}` : usage);
    return unknown.length > 0 ? 2 : 0;
  }
  const isWhole = args.length === 0;
  if ((isWhole || values.changed) && !(await runChecks(checks))) return 1;
  const chosen = values.changed ? changedTests(projectRoot, values.since) : argumentsOf(values.group);
  if (values.changed && chosen.length === 0) {
    console.log('== tests\nnone is touched');
    return 0;
  }
  const wanted = [...chosen, ...others];
  // The browser is brought here, where it takes as long as it takes, and once: its test files run
  // side by side and would fetch it twice.
  const usesBrowser =
    isWhole ||
    values.group.includes('portal') ||
    wanted.some((argument) => argument.startsWith('test/portal'));
  if (usesBrowser) await findProgram('chromium');
  return runVitest(wanted);
}

/** Our own options, and the rest as it was typed: paths and options of vitest. */
function readArguments(args: readonly string[]) {
  const options = {
    group: { type: 'string', multiple: true, default: [] as string[] },
    changed: { type: 'boolean', default: false },
    since: { type: 'string', default: 'HEAD' },
    help: { type: 'boolean', default: false },
  } as const;
  const { values, tokens } = parseArgs({ args: [...args], options, strict: false, tokens: true });
  const own = new Set(
    tokens.flatMap((token) => {
      if (token.kind !== 'option' || !Object.hasOwn(options, token.name)) return [];
      return token.inlineValue === false ? [token.index, token.index + 1] : [token.index];
    }),
  );
  const { group, changed, since, help } = values as {
    group: string[];
    changed: boolean;
    since: string;
    help: boolean;
  };
  return { values: { group, changed, since, help }, others: args.filter((_, index) => !own.has(index)) };
}

function runVitest(args: readonly string[]): number {
  console.log('== tests');
  const vitest = 'node_modules/vitest/vitest.mjs';
  const result = spawnSync(process.execPath, [vitest, 'run', ...args], {
    cwd: projectRoot,
    stdio: 'inherit',
  });
  return result.status ?? 1;
}
