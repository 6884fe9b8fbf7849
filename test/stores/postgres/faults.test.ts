import pg from 'pg';
import { describe, expect, test } from 'vitest';
import { FlowplateError } from '../../../src/domain/errors.ts';
import {
  isLockTimeout,
  isServerAway,
  isUnavailable,
  isUniqueViolation,
} from '../../../src/stores/postgres/faults.ts';

function databaseError(code: string, constraint?: string): pg.DatabaseError {
  return Object.assign(new pg.DatabaseError('no', 2, 'error'), { code, constraint });
}

function systemError(syscall: string): Error {
  return Object.assign(new Error('no'), { syscall });
}

describe('the same request may succeed later', () => {
  test.each([
    ['08006', 'the connection failed'],
    ['08P01', 'the protocol was violated'],
    ['25006', 'the server is read-only just now'],
    ['40001', 'the transaction could not be serialised'],
    ['40P01', 'two transactions waited for each other'],
    ['53100', 'the disk is full'],
    ['53200', 'memory is exhausted'],
    ['53300', 'there are too many connections'],
    ['55P03', 'a lock was not to be had in time'],
    ['57014', 'the statement took too long'],
    ['57P01', 'the server is shutting down'],
    ['57P03', 'the server is starting up'],
    ['58030', 'the disk does not answer'],
  ])('after %s: %s', (code) => {
    expect(isUnavailable(databaseError(code))).toBe(true);
  });

  test.each([
    ['a refused connection', systemError('connect')],
    ['a name that does not resolve', systemError('getaddrinfo')],
    ['a connection that was cut', systemError('read')],
    ['refused connections to all addresses of a host', new AggregateError([systemError('connect')])],
    ['a connection that ended', new Error('Connection terminated unexpectedly')],
    ['a connection that could not be had in time', new Error('timeout exceeded when trying to connect')],
    ['a statement without an answer', new Error('Query read timeout')],
    [
      'a connection that is broken',
      new Error('Client has encountered a connection error and is not queryable'),
    ],
    ['a connection that was closed', new Error('Client was closed and is not queryable')],
  ])('after %s', (_what, fault) => {
    expect(isUnavailable(fault)).toBe(true);
  });
});

describe('the same request will fail again', () => {
  test.each([
    ['23505', 'a value is there already'],
    ['23502', 'a value is missing'],
    ['22P02', 'a value is malformed'],
    ['42P01', 'a table is missing'],
    ['42601', 'the statement is malformed'],
    ['23001', 'a trigger refuses it'],
    ['28P01', 'the password is wrong'],
    ['XX000', 'the server has a fault'],
    ['', 'nothing is known'],
  ])('after %s: %s', (code) => {
    expect(isUnavailable(databaseError(code))).toBe(false);
  });

  test.each([
    new Error('no'),
    new TypeError('x is undefined'),
    new AggregateError([new Error('no')]),
    'text',
    null,
    undefined,
  ])('after a fault of our own: %s', (fault) => {
    expect(isUnavailable(fault)).toBe(false);
  });
});

test('a lock that was not to be had in time is recognised, plain and as the cause of what the pool made of it', () => {
  const fault = databaseError('55P03');
  expect(isLockTimeout(fault)).toBe(true);
  expect(isLockTimeout(new FlowplateError('DEPENDENCY_UNAVAILABLE', { cause: fault }))).toBe(true);
  expect(isLockTimeout(databaseError('57014'))).toBe(false);
  expect(isLockTimeout(new FlowplateError('DEPENDENCY_UNAVAILABLE', { cause: new Error('no') }))).toBe(false);
  expect(isLockTimeout(undefined)).toBe(false);
});

test('a unique violation is one of the named constraint and of no other', () => {
  const fault = databaseError('23505', 'api_keys_one_active');
  expect(isUniqueViolation(fault, 'api_keys_one_active')).toBe(true);
  expect(isUniqueViolation(fault, 'api_keys_digest')).toBe(false);
  expect(isUniqueViolation(databaseError('23503', 'api_keys_one_active'), 'api_keys_one_active')).toBe(false);
  expect(isUniqueViolation(new Error('23505'), 'api_keys_one_active')).toBe(false);
});

test('a server that is away is no lock that one statement waited too long for', () => {
  const unavailable = (cause: Error) => new FlowplateError('DEPENDENCY_UNAVAILABLE', { cause });
  expect(isServerAway(unavailable(systemError('connect')))).toBe(true);
  expect(isServerAway(unavailable(databaseError('57P01')))).toBe(true);
  expect(isServerAway(unavailable(databaseError('55P03')))).toBe(false);
  expect(isServerAway(new FlowplateError('KEY_NOT_FOUND'))).toBe(false);
});
