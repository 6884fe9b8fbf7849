/** Codes are constants, such as `ECONNREFUSED`, `23505`, `DEPENDENCY_UNAVAILABLE`. */
const codePattern = /^[A-Z0-9_]{2,40}$/;
const sqlStatePattern = /^[0-9A-Z]{5}$/;

/** The kind of an error: its code, else its class. A message may quote a caller. */
export function errorType(error: unknown): string {
  const code = codeOf(error);
  if (code !== undefined && codePattern.test(code)) return code;
  return error instanceof Error ? error.constructor.name : 'Error';
}

/** The state that Postgres gave (SQLSTATE), also when our own error stands in front of it. */
export function sqlState(error: unknown): string | undefined {
  const code = codeOf(error instanceof Error && error.cause !== undefined ? error.cause : error);
  return code !== undefined && sqlStatePattern.test(code) ? code : undefined;
}

function codeOf(error: unknown): string | undefined {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : undefined;
}
