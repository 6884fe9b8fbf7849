import { type DestinationStream, type Logger, pino } from 'pino';
import { redact } from './domain/redact.ts';

export type Log = Logger;

export type LogOptions = { level: string; service: string };

/** Fields that must never reach a line, wherever an object with them is logged. */
const redactedPaths = [
  'key',
  'secret',
  'password',
  'token',
  'authorization',
  'cookie',
  'headers',
  'body',
  '*.key',
  '*.secret',
  '*.password',
  '*.token',
  '*.authorization',
  '*.cookie',
  '*.headers',
  '*.body',
  'err.config',
  'err.parameters',
  'err.query',
] as const;

/**
 * JSON lines on standard output. Two nets against secrets: the fields above are cut out, and whatever still looks like a secret
 * in the finished line is cut down to its public part. Throws when a line with a canary gets through them: better no service
 * than a log that leaks.
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
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: [...redactedPaths], censor: '…' },
      hooks: { streamWrite: redact },
    },
    destination,
  );
}

function requireRedaction(): void {
  const canary = `canary${'0'.repeat(40)}`;
  const written: string[] = [];
  const probe = newLogger({ level: 'info', service: 'probe' }, { write: (line) => written.push(line) });
  probe.info(
    { key: canary, headers: { any: canary }, inner: { password: canary } },
    `fl_user_prod_${canary}`,
  );
  if (written.length !== 1 || written.some((line) => line.includes(canary))) {
    throw new Error('The log does not redact secrets');
  }
}
