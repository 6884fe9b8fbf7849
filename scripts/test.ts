import { spawnSync } from 'node:child_process';
import { checks } from './checks/checks.ts';
import { runChecks } from './checks/run-checks.ts';
import { findProgram } from './services/debian-programs.ts';
import { projectRoot } from './services/project-root.ts';

const vitestArguments = process.argv.slice(2);
process.exitCode = await main();

async function main(): Promise<number> {
  if (vitestArguments.length === 0 && !(await runChecks(checks))) return 1;
  if (runsBrowserTests()) await findProgram('chromium');
  return runVitest();
}

/**
 * The browser is brought here, where it takes as long as it takes, and once: its test files run
 * side by side and would fetch it twice.
 */
function runsBrowserTests(): boolean {
  return (
    vitestArguments.length === 0 || vitestArguments.some((argument) => argument.startsWith('test/portal'))
  );
}

function runVitest(): number {
  console.log('== tests');
  const vitest = 'node_modules/vitest/vitest.mjs';
  const result = spawnSync(process.execPath, [vitest, 'run', ...vitestArguments], {
    cwd: projectRoot,
    stdio: 'inherit',
  });
  return result.status ?? 1;
}
