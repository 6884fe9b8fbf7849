export interface CheckResult {
  ok: boolean;
  /** Explains the failure; shown only when the check fails. */
  output: string;
}

export interface Check {
  heading: string;
  run(signal: AbortSignal): Promise<CheckResult>;
}
