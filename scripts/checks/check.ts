export interface CheckResult {
  ok: boolean;
  /** For the person who has to repair it; shown only when the check fails. */
  output: string;
}

export interface Check {
  heading: string;
  run(signal: AbortSignal): Promise<CheckResult>;
}
