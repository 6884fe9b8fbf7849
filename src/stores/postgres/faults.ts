import pg from 'pg';
import { FlowplateError } from '../../domain/errors.ts';
import { unsuitableServer } from './connect.ts';

/** SQLSTATE classes of temporary errors (PostgreSQL documentation, appendix A). */
const unavailableClasses = ['08', '53', '57', '58'];

/** lock_timeout: another transaction has held the lock for too long. */
const LOCK_NOT_AVAILABLE = '55P03';

/** read_only_sql_transaction: a standby, or a server that was put into read-only mode. */
const READ_ONLY = '25006';

/**
 * invalid_sql_statement_name and duplicate_prepared_statement: a pooler has given this client
 * another session than the one in which it prepared the statement.
 */
const lostStatements = ['26000', '42P05'];

const unavailableStates = [
  LOCK_NOT_AVAILABLE,
  READ_ONLY,
  ...lostStatements,
  '40001', // serialization_failure
  '40P01', // deadlock_detected
];

const UNIQUE_VIOLATION = '23505';

/** Whether the error is temporary, so that the same request may succeed later. */
export function isUnavailable(error: unknown): boolean {
  if (error instanceof pg.DatabaseError) {
    const state = error.code ?? '';
    return unavailableStates.includes(state) || unavailableClasses.includes(state.slice(0, 2));
  }
  return isConnectionFault(error);
}

/**
 * Whether the session is not what the client takes it for, so that a new connection is better: its
 * prepared statements are gone, or its server has become read-only.
 */
export function isOtherSession(error: unknown): boolean {
  return error instanceof pg.DatabaseError && [READ_ONLY, ...lostStatements].includes(error.code ?? '');
}

export function isLockTimeout(error: unknown): boolean {
  const fault = faultBehind(error);
  return fault instanceof pg.DatabaseError && fault.code === LOCK_NOT_AVAILABLE;
}

/** Whether the server rejected this statement only, so that others may succeed. */
export function isFaultOfTheStatement(error: unknown): boolean {
  const fault = faultBehind(error);
  return fault instanceof pg.DatabaseError && !unavailableClasses.includes((fault.code ?? '').slice(0, 2));
}

/** The pool's translation of an unavailable server. */
export function isDependencyUnavailable(error: unknown): boolean {
  return error instanceof FlowplateError && error.code === 'DEPENDENCY_UNAVAILABLE';
}

/**
 * Whether Postgres was not reached or takes no work now, and not only this statement waited too
 * long for a lock.
 */
export function isServerAway(error: unknown): boolean {
  return isDependencyUnavailable(error) && !isFaultOfTheStatement(error);
}

/**
 * Classes that blame the values of a statement: data, constraints, and what is too much for one row
 * or one statement.
 */
const dataClasses = ['21', '22', '23', '54'];

/** Whether the values were rejected, so that a retry cannot succeed. */
export function isFaultOfTheData(error: unknown): boolean {
  return error instanceof pg.DatabaseError && dataClasses.includes((error.code ?? '').slice(0, 2));
}

/** The original error: the pool wraps it as the cause of `DEPENDENCY_UNAVAILABLE`. */
function faultBehind(error: unknown): unknown {
  return error instanceof Error && error.cause !== undefined ? error.cause : error;
}

export function isUniqueViolation(error: unknown, constraint: string): boolean {
  return (
    error instanceof pg.DatabaseError && error.code === UNIQUE_VIOLATION && error.constraint === constraint
  );
}

/**
 * Messages of plain errors from `pg`, `pg-pool` and our pool (pg/lib/client.js, pg-pool/index.js).
 */
const connectionFaultTexts = [
  'Connection terminated',
  'timeout exceeded when trying to connect',
  'Query read timeout',
  'Client has encountered a connection error',
  'Client was closed',
  'The server does not support SSL connections',
  unsuitableServer,
];

function isConnectionFault(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if ('syscall' in error) return true;
  if (error instanceof AggregateError) return error.errors.some(isConnectionFault);
  return connectionFaultTexts.some((text) => error.message.includes(text));
}
