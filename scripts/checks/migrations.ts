import { readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isOutsideOfTransaction } from '../../src/stores/postgres/migration-files.ts';
import { filesOf, hasHistory, linesOf, previousRelease } from '../release/previous-release.ts';
import type { CheckResult } from './check.ts';
import { type Hazard, hazardsOf } from './migration-hazards.ts';

const folder = 'src/stores/postgres/migrations';

/**
 * An upgrade loses no call: the previous release runs on the schema that the new migrations make,
 * and while they make it. Those of the release itself are left alone.
 */
export async function checkMigrations(root: string): Promise<CheckResult> {
  if (!hasHistory(root))
    return { ok: true, output: 'Not held against the previous release: no history here' };
  try {
    const problems = await problemsSince(root, previousRelease(root));
    return { ok: problems.length === 0, output: [...problems, help].join('\n') };
  } catch (error) {
    return { ok: false, output: (error as Error).message };
  }
}

const help =
  'Change the migration, or say in it why it is harmless: "-- upgrade: <rule> <name>: <reason>" (docs/contributing.md)';

async function problemsSince(root: string, release: string): Promise<string[]> {
  const released = new Set(filesOf(root, release, folder));
  const names = namesIn(root, release);
  const isNamed = (name: string) => names.has(name);
  const added = readdirSync(join(root, folder))
    .map((file) => `${folder}/${file}`)
    .filter((file) => !released.has(file))
    .sort();
  const problems = await Promise.all(
    added.map(async (file) => {
      const found = await problemsOf(await readFile(join(root, file), 'utf8'), isNamed);
      return found.map((problem) => `${file}: ${problem}`);
    }),
  );
  return problems.flat();
}

/** Every word in the code of a release, and in the functions that it has in Postgres. */
function namesIn(root: string, release: string): ReadonlySet<string> {
  const code = linesOf(
    root,
    release,
    'src',
    'workers',
    'scripts',
    `:!${folder}`,
    ':!src/stores/postgres/schema.ts',
  );
  const functions = linesOf(root, release, folder).match(/\$\$[\s\S]*?\$\$/g) ?? [];
  return new Set([code, ...functions].join('\n').match(/\w+/g));
}

/** Hazards of a migration without a written exemption, and exemptions that nothing needs. */
export async function problemsOf(text: string, isNamed: (name: string) => boolean): Promise<string[]> {
  const isInTransaction = !isOutsideOfTransaction(text);
  const hazards = await hazardsOf(text, { isInTransaction, isNamed });
  const exemptions = exemptionsOf(text);
  const isOf =
    ({ rule, name }: Hazard) =>
    (each: Exemption) =>
      each.rule === rule && each.name === name;
  return [
    ...exemptions.flatMap((each) => {
      if (!hazards.some((hazard) => isOf(hazard)(each))) return [`nothing here ${each.rule} ${each.name}`];
      return each.reason.split(' ').length < 3 ? [`${each.rule} ${each.name} needs a reason`] : [];
    }),
    ...hazards
      .filter((hazard) => !exemptions.some(isOf(hazard)))
      .map(({ rule, name, about }) => `${rule} ${name}: ${about}`),
  ];
}

type Exemption = { rule: string; name: string; reason: string };

/** Lines such as `-- upgrade: blocks small_table: it has a dozen rows`. */
function exemptionsOf(text: string): Exemption[] {
  return [...text.matchAll(/^-- upgrade: (\w+) (\w+):(.*)$/gm)].map(
    ([, rule = '', name = '', reason = '']) => ({
      rule,
      name,
      reason: reason.trim(),
    }),
  );
}
