import { join } from 'node:path';
import { lint, loadConfig, type NormalizedProblem } from '@redocly/openapi-core';
import { projectRoot } from '../services/project-root.ts';
import type { CheckResult } from './check.ts';

/** Lints the API document like `redocly lint docs/openapi.json`, through its library. */
export async function lintApiDocument(): Promise<CheckResult> {
  const config = await loadConfig({ configPath: join(projectRoot, 'redocly.yaml') });
  const problems = await lint({ ref: join(projectRoot, 'docs/openapi.json'), config });
  return { ok: problems.length === 0, output: problems.map(describe).join('\n') };
}

function describe({ severity, ruleId, message, location }: NormalizedProblem): string {
  return `${severity} ${ruleId}: ${message} (${location[0]?.pointer ?? ''})`;
}
