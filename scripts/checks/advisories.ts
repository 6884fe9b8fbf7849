import { join } from 'node:path';
import { projectRoot } from '../services/project-root.ts';
import { lastLine, runCommand } from '../services/run-command.ts';
import type { CheckResult } from './check.ts';

/** Directories with a package-lock.json whose packages are delivered. */
const directories = ['.', 'portal'];

/**
 * Known vulnerabilities of production packages, by `npm audit`. Not part of `scripts/test`, because
 * it needs the network and its result changes without a change of ours. Passes with a note where
 * the registry has no audits, as many mirrors.
 */
export async function checkAdvisories(env = process.env): Promise<CheckResult> {
  const results = await Promise.all(directories.map((directory) => audit(directory, env)));
  return { ok: results.every(({ ok }) => ok), output: results.map(({ output }) => output).join('\n') };
}

async function audit(directory: string, env: NodeJS.ProcessEnv): Promise<CheckResult> {
  const command = ['npm', 'audit', '--omit=dev', '--json'];
  const { stdout, stderr } = await runCommand(command, { cwd: join(projectRoot, directory), env });
  const { ok, output } = judge(parse(stdout), lastLine(stderr));
  return { ok, output: `${directory}: ${output}` };
}

type Report = {
  auditReportVersion?: number;
  vulnerabilities?: Record<string, { severity: string; range: string }>;
  /** Error of the registry or the network. */
  message?: string;
  /** Error of npm itself. */
  error?: { summary?: string };
};

function judge(report: Report, said: string): CheckResult {
  if (report.auditReportVersion !== undefined) return judgeVulnerabilities(report.vulnerabilities ?? {});
  if (report.message !== undefined) {
    return { ok: true, output: `not audited: the registry does not answer (${report.message})` };
  }
  return { ok: false, output: `npm audit failed: ${report.error?.summary ?? said}` };
}

function judgeVulnerabilities(vulnerabilities: NonNullable<Report['vulnerabilities']>): CheckResult {
  const found = Object.entries(vulnerabilities).map(
    ([name, { severity, range }]) => `${severity}: ${name} ${range}`,
  );
  if (found.length === 0) return { ok: true, output: 'no known vulnerability' };
  return { ok: false, output: `known vulnerabilities\n${found.join('\n')}` };
}

function parse(text: string): Report {
  try {
    return JSON.parse(text) as Report;
  } catch {
    return {};
  }
}
