import type { Check, CheckResult } from './check.ts';

const AT_ONCE = 2;

/**
 * Runs the checks, two at a time, and reports them in order. Stops at the first failure in that
 * order, and cancels the rest.
 */
export async function runChecks(checks: readonly Check[]): Promise<boolean> {
  const abort = new AbortController();
  const results = startAll(checks, abort.signal);
  for (const [index, check] of checks.entries()) {
    console.log(`== ${check.heading}`);
    const result = await results[index];
    if (result?.ok) continue;
    console.log(result?.output.trimEnd());
    console.log(`== failed: ${check.heading}`);
    abort.abort();
    return false;
  }
  return true;
}

function startAll(checks: readonly Check[], signal: AbortSignal): Promise<CheckResult>[] {
  const running: Promise<unknown>[] = [];
  return checks.map((check, index) => {
    const before = running[index - AT_ONCE] ?? Promise.resolve();
    const result = before.then(() => (signal.aborted ? { ok: false, output: '' } : check.run(signal)));
    running.push(result);
    return result;
  });
}
