/** `error`: a guarantee is broken or work stands still. `warning`: that may come. */
export type Severity = 'error' | 'warning';

export type Finding = {
  code: string;
  severity: Severity;
  /** The part that is wrong. */
  where: string;
  /** The fault, and its consequence. */
  message: string;
  fix: string;
};

export function postgresFinding(severity: Severity, code: string, message: string, fix: string): Finding {
  return { code, severity, where: 'Postgres', message, fix };
}
