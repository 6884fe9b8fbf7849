import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { errorEnvelope, problemDetails } from '../../scripts/api-document/error-schemas.ts';
import { problems } from '../../src/http/problem.ts';
import { createApiServer } from '../../src/http/server.ts';
import { listen } from '../../src/process/serve-http.ts';
import { startBroker, type TestBroker } from '../support/broker.ts';
import { caller } from '../support/call.ts';
import { expectError } from '../support/errors.ts';
import { getKey, keysPath, mint } from '../support/keys.ts';
import { sendRaw } from '../support/raw-request.ts';

let broker: TestBroker;
beforeAll(async () => {
  broker = await startBroker();
});
afterAll(() => broker.close());

describe('the envelope', () => {
  test('it has exactly the shape of the seed', async () => {
    const { headers, body } = await broker.call(`GET ${keysPath}`, { as: null });
    expect(headers.get('content-type')).toBe('application/json; charset=utf-8');
    expect(body).toStrictEqual({
      success: false,
      error: {
        code: 'AUTHENTICATION_REQUIRED',
        message: 'Authentication required. Please provide a valid API key.',
        system_message: 'Missing or invalid authorization header',
        type: 'authentication_error',
        status: 401,
        trace_id: expect.stringMatching(/^req_[0-9A-Za-z]{20}$/),
        timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
        details: {},
      },
    });
    expect(Object.keys(body.error)).toEqual(Object.keys(errorEnvelope.shape.error.shape));
  });

  test('the details of a validation error are a list of paths and messages', async () => {
    const { body } = await broker.call(`POST ${keysPath}`, { body: { user_id: 7 } });
    const violation = (path: string) => ({ path, message: expect.any(String) });
    expect(body.error.details).toStrictEqual([violation('user_id'), violation('organization_id')]);
  });

  test('every code has a status of its type', () => {
    const statuses: Record<string, number[]> = {
      invalid_request_error: [400, 405, 406, 413, 415],
      authentication_error: [401],
      authorization_error: [403],
      not_found_error: [404],
      conflict_error: [409],
      validation_error: [422],
      rate_limit_error: [429],
      internal_error: [500],
      service_unavailable_error: [503],
    };
    for (const { type, status } of Object.values(problems)) expect(statuses[type]).toContain(status);
  });
});

describe('problem+json', () => {
  const headers = { accept: 'application/problem+json' };

  test('the same error is served as RFC 9457 to those who ask for it', async () => {
    const answer = await broker.call('GET /nowhere', { headers });
    expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/);
    const problem = problemDetails.parse(answer.body);
    expect(problem).toMatchObject({
      type: 'urn:flowplate:problem:route-not-found',
      status: 404,
      code: 'ROUTE_NOT_FOUND',
      error_type: 'not_found_error',
      trace_id: answer.headers.get('x-request-id'),
      details: {},
    });
  });

  test('an answer that is no error stays JSON', async () => {
    const answer = await broker.call(`GET ${keysPath}`, { headers });
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toMatch(/^application\/json/);
  });

  test.each(['*/*', 'application/*', 'application/json, application/problem+json;q=0.9', ''])(
    'Accept: %s gets the envelope',
    async (accept) => {
      expectError(await broker.call('GET /nowhere', { headers: { accept } }), 404, 'ROUTE_NOT_FOUND');
    },
  );
});

describe('the request id', () => {
  test.each(['abc', 'req_1.2:3-4', 'a'.repeat(128)])('%s is echoed', async (id) => {
    const answer = await broker.call('GET /nowhere', { headers: { 'x-request-id': id } });
    expect(answer.headers.get('x-request-id')).toBe(id);
    expect(answer.body.error.trace_id).toBe(id);
  });

  test.each(['', 'a b', 'a\u00e9', '{"a":1}', 'a'.repeat(129), '-a', 'a,b'])(
    '%j is replaced by one of ours',
    async (id) => {
      const answer = await broker.call('GET /nowhere', { headers: { 'x-request-id': id } });
      expect(answer.headers.get('x-request-id')).toMatch(/^req_[0-9A-Za-z]{20}$/);
      expectError(answer, 404, 'ROUTE_NOT_FOUND');
    },
  );

  test('a successful answer has one too', async () => {
    const answer = await broker.call(`GET ${keysPath}`);
    expect(answer.headers.get('x-request-id')).toMatch(/^req_/);
  });
});

describe('what is refused whatever the route', () => {
  test.each([
    'POST /',
    'GET /v1',
    'GET /v1/flowplate',
    'POST /v1/flowplate/api-key',
    'GET /.env',
    'GET /v1//x',
  ])('404: there is nothing at %s, with or without a credential', async (operation) => {
    expectError(await broker.call(operation), 404, 'ROUTE_NOT_FOUND');
    expectError(await broker.call(operation, { as: null }), 404, 'ROUTE_NOT_FOUND');
  });

  test.each([
    ['PUT', keysPath, 'POST, GET'],
    ['DELETE', keysPath, 'POST, GET'],
    ['OPTIONS', keysPath, 'POST, GET'],
    ['POST', `${keysPath}/flk_000000000000`, 'GET, PATCH, DELETE'],
    ['PUT', `${keysPath}/verify/batch`, 'POST'],
    ['GET', `${keysPath}/usr_1/org_1/refresh`, 'POST'],
    ['PATCH', `${keysPath}/user/usr_1`, 'DELETE'],
    ['POST', `${keysPath}/flk_000000000000/usage`, 'GET'],
    ['GET', `${keysPath}/verify`, 'POST'],
    ['DELETE', `${keysPath}/verify`, 'POST'],
    ['DELETE', `${keysPath}/usr_1/usage`, 'GET'],
    ['GET', '/users/bootstrap', 'POST'],
  ])('405: %s %s is not supported, and Allow says what is', async (method, path, allow) => {
    const answer = await broker.call(`${method} ${path}`);
    expectError(answer, 405, 'METHOD_NOT_ALLOWED');
    expect(answer.headers.get('allow')?.split(', ').sort()).toEqual(allow.split(', ').sort());
  });

  const unacceptable = ['text/html', 'application/xml', 'image/*', 'application/json;q=0'];

  test.each(unacceptable)('406: an answer in %s cannot be read', async (accept) => {
    const { key_id } = await mint(broker);
    const answer = await broker.call(`GET ${keysPath}/${key_id}`, { headers: { accept } });
    expectError(answer, 406, 'NOT_ACCEPTABLE');
  });

  test.each(unacceptable)('a revoke is carried out whatever is accepted, %s too', async (accept) => {
    const { key_id } = await mint(broker);
    const answer = await broker.call(`DELETE ${keysPath}/${key_id}`, { headers: { accept } });
    expect(answer.body).toMatchObject({ success: true, revoked_count: 1 });
    expect((await getKey(broker, key_id)).body.status).toBe('revoked');
  });

  test.each([
    'application/json; charset=utf-8',
    'application/json;charset=utf-8;q=0.9, text/html',
    'text/html, application/json; version="1"; q=0.1',
    'application/*; level=1',
    '*/*; q=0.1; x=y',
    '',
  ])('Accept: %s takes JSON', async (accept) => {
    const { key_id } = await mint(broker);
    expect((await getKey(broker, key_id, { headers: { accept } })).body).toMatchObject({ key_id });
    const revoked = await broker.call(`DELETE ${keysPath}/${key_id}`, { headers: { accept } });
    expect(revoked.body).toMatchObject({ revoked_count: 1 });
  });

  test('problem+json is served with any parameters too', async () => {
    const headers = { accept: 'application/problem+json; charset=utf-8' };
    const answer = await broker.call('GET /nowhere', { headers });
    expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/);
  });

  test('traces and unknown methods get no echo', async () => {
    for (const method of ['TRACE', 'CONNECT', 'BREW']) {
      const received = await sendRaw(
        broker.url,
        `${method} ${keysPath} HTTP/1.1\r\nHost: x\r\nX-Api-Key: ${broker.masterKey}\r\nConnection: close\r\n\r\n`,
      );
      expect(received).not.toContain(broker.masterKey);
      expect(received === '' || /^HTTP\/1\.1 4\d\d /.test(received)).toBe(true);
    }
  });
});

describe('an unknown fault', () => {
  test('it leaves as a bare INTERNAL_ERROR: nothing of its cause gets out', async () => {
    const cause = new Error(
      `relation "api_keys" at postgres://flowplate:hunter2@db:5432, ${broker.masterKey}`,
    );
    const identify = () => Promise.reject(cause);
    const broken = {
      ...broker.api.parts,
      masterKeys: { identify, findHeld: identify },
      isDraining: () => false,
    };
    const server = createApiServer(broken);
    const url = `http://127.0.0.1:${await listen(server, 0, '127.0.0.1')}`;
    onTestFinished(async () => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close').catch(() => undefined);
    });
    const before = broker.logLines.length;
    const call = caller(url, broker.masterKey);
    const problem = { accept: 'application/problem+json' };
    for (const answer of [
      await call(`GET ${keysPath}`),
      await call(`GET ${keysPath}`, { headers: problem }),
      await call(`POST ${keysPath}/verify`, { body: { key: 'x' } }),
      await call(`POST ${keysPath}/verify`, { body: { key: 'x' }, headers: problem }),
    ]) {
      expect(answer.status).toBe(500);
      expect(answer.body.error?.code ?? answer.body.code).toBe('INTERNAL_ERROR');
      expect(JSON.stringify([answer.body, ...answer.headers])).not.toMatch(
        /api_keys|hunter2|fl_master|Error:|\.ts/,
      );
    }
    const logged = broker.logLines.slice(before).join('');
    expect(logged).toContain('relation');
    expect(logged).not.toMatch(new RegExp(`hunter2|${broker.masterKey.slice(-38)}`));
  });
});
