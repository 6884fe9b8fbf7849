import { type DestinationStream, type Logger, pino } from 'pino';
import { redact } from './domain/redact.ts';

export type Log = Logger;

export type LogOptions = { level: string; service: string };

/** Names of fields that are never logged, at any depth. */
const secretNames = ['key', 'secret', 'password', 'token', 'authorization', 'cookie', 'headers', 'body'];
const redactedPaths = secretNames.flatMap((name) => [name, `*.${name}`]);
const censor = '…';
const depthMax = 8;

/**
 * JSON lines on standard output. Two filters against secrets: the fields above are removed, and
 * text that looks like a secret is cut to its public part. Of an error only its texts are written.
 * Throws if a canary passes the filters: no service is better than a log that leaks.
 */
export function createLog(options: LogOptions, destination?: DestinationStream): Log {
  requireRedaction();
  return newLogger(options, destination ?? pino.destination({ dest: 1, sync: false }));
}

function newLogger(options: LogOptions, destination: DestinationStream): Log {
  return pino(
    {
      level: options.level,
      base: { service: options.service, pid: process.pid },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: {
        level: (label) => ({ level: label }),
        log: (fields) => cutNamed(fields, 0) as Record<string, unknown>,
      },
      serializers: { err: errorText, cause: errorText },
      redact: { paths: [...redactedPaths], censor },
      hooks: { streamWrite: redact },
    },
    destination,
  );
}

/**
 * Removes the secret fields from plain objects and lists at any depth; pino's own paths are not
 * deep enough.
 */
function cutNamed(value: unknown, depth: number): unknown {
  if (Array.isArray(value))
    return depth < depthMax ? value.map((inner) => cutNamed(inner, depth + 1)) : censor;
  if (!isPlainObject(value)) return value;
  if (depth >= depthMax) return censor;
  const cut = Object.entries(value).map(([name, inner]) => [
    name,
    secretNames.includes(name) ? censor : cutNamed(inner, depth + 1),
  ]);
  return Object.fromEntries(cut);
}

function isPlainObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}

/** Only the texts of an error. Drivers attach statements, parameters and even passwords to it. */
function errorText(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  return {
    type: error.name,
    message: error.message,
    stack: error.stack,
    ...('code' in error && { code: error.code }),
    ...(error.cause instanceof Error && { cause: errorText(error.cause) }),
    ...(error instanceof AggregateError && { errors: error.errors.map(errorText) }),
  };
}

function requireRedaction(): void {
  const canary = `canary${'0'.repeat(40)}`;
  const written: string[] = [];
  const probe = newLogger({ level: 'info', service: 'probe' }, { write: (line) => written.push(line) });
  const fields = { key: canary, headers: { any: canary }, inner: { password: canary } };
  probe.child({ token: canary }).info(fields, `fl_user_prod_${canary}`);
  if (written.length !== 1 || written.some((line) => line.includes(canary))) {
    throw new Error('The log does not redact secrets');
  }
}
