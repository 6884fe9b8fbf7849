import type { CheckResult } from './check.ts';
import { runTool } from './run-tool.ts';
import { ROOMS, sourceFiles } from './source-files.ts';

interface Dependency {
  resolved: string;
  dependencyTypes: string[];
}

interface CruisedModule {
  source: string;
  dependencies: Dependency[];
}

interface CruiseReport {
  modules: CruisedModule[];
  summary: { violations: { from: string; to: string; rule: { name: string } }[] };
}

/**
 * Checks the import rules of .dependency-cruiser.cjs. With an unsupported compiler
 * dependency-cruiser reads no module and reports success. So a report with fewer modules than files
 * fails.
 */
export async function cruise(signal: AbortSignal, root: string): Promise<CheckResult> {
  const options = ['--config', '.dependency-cruiser.cjs', '--output-type', 'json'];
  const cruiser = 'node_modules/dependency-cruiser/bin/dependency-cruiser.mjs';
  const result = await runTool([cruiser, ...ROOMS, 'scripts', ...options], signal, root);
  const report = parseReport(result.stdout);
  if (report === undefined) return { ok: false, output: result.output };

  const problems = [...missingModules(report, root), ...violations(report), ...chainedUseCases(report)];
  return { ok: problems.length === 0, output: problems.join('\n') };
}

function parseReport(stdout: string): CruiseReport | undefined {
  try {
    return JSON.parse(stdout) as CruiseReport;
  } catch {
    return undefined;
  }
}

function missingModules(report: CruiseReport, root: string): string[] {
  const seen = new Set(report.modules.map((module) => module.source));
  return sourceFiles(root)
    .filter((file) => !seen.has(file))
    .map((file) => `not read by dependency-cruiser: ${file}`);
}

function violations(report: CruiseReport): string[] {
  return report.summary.violations.map(({ rule, from, to }) => `${rule.name}: ${from} → ${to}`);
}

// "A use case never calls another" (rule 1). Another room calls use cases only; the other files are
// shared parts.
function chainedUseCases({ modules }: CruiseReport): string[] {
  const [inside, outside] = [
    modules.filter(isUseCaseRoom),
    modules.filter((module) => !isUseCaseRoom(module)),
  ];
  const useCases = new Set(outside.flatMap(calledUseCaseFiles));
  return inside.flatMap((module) =>
    calledUseCaseFiles(module)
      .filter((called) => useCases.has(called))
      .map((called) => `1 a use case never calls another: ${module.source} → ${called}`),
  );
}

function isUseCaseRoom({ source }: CruisedModule): boolean {
  return source.startsWith('src/usecases/');
}

function calledUseCaseFiles({ dependencies }: CruisedModule): string[] {
  return dependencies
    .filter(({ dependencyTypes }) => !dependencyTypes.includes('type-only'))
    .map(({ resolved }) => resolved)
    .filter((resolved) => resolved.startsWith('src/usecases/'));
}
