import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Violation } from '../../src/domain/errors.ts';
import { routes } from '../../src/http/routes.ts';
import { validate } from '../../src/http/validate.ts';
import { startBroker, type TestBroker } from '../support/broker.ts';
import { keysPath, newOwner } from '../support/keys.ts';

let broker: TestBroker;
beforeAll(async () => {
  broker = await startBroker();
});
afterAll(() => broker.close());

/** What a mint with this body is told, as the calling engineer reads it. */
async function told(body: object): Promise<string> {
  const answer = await broker.call(`POST ${keysPath}`, { body });
  return answer.body.error.system_message;
}

describe('a message says what to do', () => {
  test('a field that is missing is required', async () => {
    expect(await told({})).toBe('`user_id` is required; `organization_id` is required');
  });

  test.each([
    ['userId', 'user_id'],
    ['USER-ID', 'user_id'],
    ['organisation_id', 'organization_id'],
    ['expires', 'expires_at'],
    ['enviroment', 'environment'],
    ['scope', 'scopes'],
  ])('an unknown field %s leads to %s', async (typed, meant) => {
    const message = await told({ ...newOwner(), [typed]: 'x' });
    expect(message).toContain(`unknown field \`${typed}\`; did you mean \`${meant}\`?`);
  });

  test.each(['surprise', 'x'.repeat(200)])(
    'an unknown field that is near to none leads to none: %s',
    async (typed) => {
      const message = await told({ ...newOwner(), [typed]: 'x' });
      expect(message).toMatch(/^unknown field `\w+`?/);
      expect(message).not.toContain('did you mean');
    },
  );

  test('fields inside others are named whole, each by itself', async () => {
    const body = { ...newOwner(), rate_limit: { limt: 1, window_secs: 2 } };
    const { error } = (await broker.call(`POST ${keysPath}`, { body })).body;
    expect(error.system_message.split('; ').slice(0, 2)).toEqual([
      '`rate_limit.limit` is required',
      '`rate_limit.window_seconds` is required',
    ]);
    expect(error.details.slice(2)).toEqual([
      {
        path: 'rate_limit',
        message: 'unknown field `rate_limit.limt`; did you mean `rate_limit.limit`?',
      },
      {
        path: 'rate_limit',
        message: 'unknown field `rate_limit.window_secs`; did you mean `rate_limit.window_seconds`?',
      },
    ]);
  });

  test.each([
    [{ name: '' }, '`name` must have at least 1 character'],
    [{ scopes: 'read' }, '`scopes` must be a list'],
    [{ scopes: [7] }, '`scopes.0` must be a string'],
    [{ ttl_seconds: 1.5 }, '`ttl_seconds` must be a whole number'],
    [{ ttl_seconds: 0 }, '`ttl_seconds` must be at least 1'],
    [{ rate_limit: 5 }, '`rate_limit` must be an object'],
    [{ quota: { limit: 1, period: 'week' } }, '`quota.period` must be one of day, month'],
    [{ ip_allowlist: [] }, '`ip_allowlist` must have at least 1 entry'],
    [{ expires_at: '2020-01-01' }, '`expires_at` must lie in the future'],
  ])('%j', async (more, message) => {
    expect(await told({ ...newOwner(), ...more })).toBe(message);
  });

  test('of a whole body, too', async () => {
    const answer = await broker.call(`POST ${keysPath}`, { body: '[]' });
    expect(answer.body.error.system_message).toBe('the request must be an object');
  });
});

const junk = [undefined, null, 7, 1.5, '', 'x', true, [], [7], {}, { unknown_field: 1 }];

test('no route answers in the words of the schema library, whatever a field holds', () => {
  let seen = 0;
  for (const { body, query, params, operationId } of routes) {
    for (const schema of [body, query, params]) {
      for (const sent of [...junk, ...junk.map((value) => filled(schema, value))]) {
        for (const { path, message } of violationsOf(schema, sent)) {
          seen++;
          expect(message, `${operationId} ${path}`).toMatch(/^[a-z].*[^,]$/s);
          expect(message, `${operationId} ${path}`).not.toMatch(/invalid|expected|received|undefined|NaN/);
        }
      }
    }
  }
  expect(seen).toBeGreaterThan(1_000);
});

function filled(schema: { def?: { shape?: object } }, value: unknown): object {
  return Object.fromEntries(Object.keys(schema.def?.shape ?? {}).map((field) => [field, value]));
}

function violationsOf(schema: Parameters<typeof validate>[0], sent: unknown): Violation[] {
  try {
    validate(schema, sent);
    return [];
  } catch (error) {
    const { systemMessage, details } = error as { systemMessage: string; details: Violation[] };
    expect(systemMessage).toMatch(/^(`|unknown field `|the request )/);
    return details;
  }
}
