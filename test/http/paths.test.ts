import { readFile } from 'node:fs/promises';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isReservedWord } from '../../src/domain/ids.ts';
import { RefusalPace } from '../../src/http/refusal-pace.ts';
import { routes } from '../../src/http/routes.ts';
import { createApiServer } from '../../src/http/server.ts';
import { drain, listen } from '../../src/process/serve-http.ts';
import { atEnd, endAll } from '../support/at-end.ts';
import { startBroker, type TestBroker } from '../support/broker.ts';
import { expectError, expectViolations } from '../support/errors.ts';
import { eventually } from '../support/eventually.ts';
import { keysPath, mint, refresh, revoke, verify } from '../support/keys.ts';
import { type RawAnswer, sendPipelined } from '../support/raw-request.ts';

let broker: TestBroker;
/** The same broker, which refuses strangers as fast as they ask. */
let unpaced: string;
beforeAll(async () => {
  broker = await startBroker();
  atEnd(() => broker.close());
  const refusalPace = new RefusalPace({ perSecond: 1e9, atOnceMax: 1, waitMsMax: 0, waitingMax: 0 });
  const server = createApiServer({ ...broker.api.parts, refusalPace, isDraining: () => false });
  atEnd(() => drain(server));
  unpaced = `http://127.0.0.1:${await listen(server, 0, '127.0.0.1')}`;
});
afterAll(endAll);

const methods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;
const paths = [...new Set(routes.map(({ path }) => path))];
const segmentsOf = (path: string) => path.split('/').slice(1);
const isParameter = (segment: string) => segment.startsWith(':');

/** The fixed segments that stand where another route has a parameter, behind the same start. */
const words = new Set(
  paths.flatMap((path) =>
    segmentsOf(path).filter((segment, place) => !isParameter(segment) && hasParameterAt(path, place)),
  ),
);

function hasParameterAt(path: string, place: number): boolean {
  return paths.map(segmentsOf).some((other) => {
    if (!isParameter(other[place] ?? '')) return false;
    const pairs = segmentsOf(path)
      .slice(0, place)
      .map((segment, before) => [segment, other[before] ?? '']);
    return pairs.every((pair) => pair.some(isParameter) || pair[0] === pair[1]);
  });
}

/** An id of nothing, in the place of every parameter. */
const filled = (path: string) => path.replaceAll(/:\w+/g, 'missing0000000000000');

const capital = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);
const encoded = (text: string) => [...Buffer.from(text)].map((byte) => `%${byte.toString(16)}`).join('');

/** A word as a proxy that folds case or decodes takes it for the word. */
const respelled = (word: string) => [
  word.toUpperCase(),
  capital(word),
  word.slice(0, -1) + word.slice(-1).toUpperCase(),
  encoded(word.slice(0, 1)) + word.slice(1),
  word.slice(0, -1) + encoded(word.slice(-1)).toUpperCase(),
  encoded(word),
];

const dotSegments = ['.', '%2e', 'x/..', 'x/%2e%2e', 'x/.%2E', 'x/%2E.'];

/** Paths that somebody on the way may take for this one, and that are not this one. */
function otherSpellings(path: string): string[] {
  const segments = segmentsOf(filled(path));
  const from = (place: number) => ['', ...segments.slice(0, place)].join('/');
  const to = (place: number) => ['', ...segments.slice(place)].join('/');
  const inside = segments.flatMap((segment, place) => [
    ...(isParameter(segmentsOf(path)[place] ?? '') ? [] : respelled(segment)).map(
      (spelling) => `${from(place)}/${spelling}${to(place + 1).replace(/^\/$/, '')}`,
    ),
    ...['', ...dotSegments].map((extra) => `${from(place)}/${extra}${to(place)}`),
    ...(place === 0 ? [] : [`${from(place)}\\${to(place).slice(1)}`]),
  ]);
  const behind = [
    '/',
    '//',
    '\\',
    '#',
    '#/x',
    ...['.', '..', '%2e', '%2e%2e', 'x/..'].map((dots) => `/${dots}`),
  ];
  const all = [...inside, ...behind.map((end) => filled(path) + end)];
  // The last letter of `v1` has no case.
  return all.filter((spelling) => spelling !== filled(path));
}

/** The path of a route with each of these words, respelled, in the place of each parameter. */
function wordsAsIds(path: string): string[] {
  return segmentsOf(path).flatMap((segment, place) => {
    if (!isParameter(segment)) return [];
    const [before, behind] = [segmentsOf(path).slice(0, place), segmentsOf(path).slice(place + 1)];
    return [...words]
      .flatMap(respelled)
      .map((spelling) => filled(`/${[...before, spelling, ...behind].join('/')}`));
  });
}

let asked = 0;

/** Over bare sockets: every other client would tidy the path up. */
async function ask(targets: readonly string[]): Promise<Array<RawAnswer & { id: string }>> {
  const sent = targets.map((target) => ({ target, id: `asked-${asked++}` }));
  const answers: RawAnswer[] = [];
  for (let at = 0; at < sent.length; at += 200) {
    const batch = sent
      .slice(at, at + 200)
      .map(({ target, id }) => `${target} HTTP/1.1\r\nHost: broker\r\nx-request-id: ${id}\r\n\r\n`);
    answers.push(...(await sendPipelined(unpaced, batch)));
  }
  expect(answers).toHaveLength(sent.length);
  return sent.map(({ id }, index) => ({ ...(answers[index] as RawAnswer), id }));
}

const everyMethod = (targets: readonly string[]) =>
  targets.flatMap((target) => methods.map((method) => `${method} ${target}`));

const codeOf = ({ body }: RawAnswer) => JSON.parse(body).error?.code;

async function expectNothingThere(targets: readonly string[]): Promise<void> {
  const answers = await ask(targets);
  const found = targets.filter((_, index) => codeOf(answers[index] as RawAnswer) !== 'ROUTE_NOT_FOUND');
  expect(found).toEqual([]);
}

test('the page on HTTP names every reserved word', async () => {
  const page = await readFile('docs/http.md', 'utf8');
  const [, named = ''] = /^Reserved words are ([^.]*)\./m.exec(page) ?? [];
  const listed = [...named.matchAll(/`(\w+)`/g)].map(([, word]) => word);
  expect(listed.sort()).toEqual([...words].sort());
});

test('every fixed segment that stands where an id could stand is no id, in any case', () => {
  expect(words.size).toBeGreaterThan(2);
  expect([...words].filter((word) => !isReservedWord(word) || !isReservedWord(word.toUpperCase()))).toEqual(
    [],
  );
});

describe.each(paths)('%s', { timeout: 60_000 }, (path) => {
  const allowed = routes.filter((route) => route.path === path).map(({ method }) => method.toUpperCase());

  test('is found under this spelling alone', async () => {
    await expectNothingThere(everyMethod([...otherSpellings(path), ...wordsAsIds(path)]));
  });

  test('is found for every method, which it has or names', async () => {
    const answers = await ask(methods.map((method) => `${method} ${filled(path)}`));
    for (const [index, method] of methods.entries()) {
      const { status, headers, id } = answers[index] as RawAnswer & { id: string };
      expect(await routeOf(id), `${method} ${path}`).toBe(path);
      expect(status === 405, `${method} ${path}: ${status}`).toBe(!allowed.includes(method));
      if (status === 405) expect(headers.get('allow')?.split(', ').sort()).toEqual([...allowed].sort());
    }
  });
});

test.each(paths.filter((path) => path.includes(':')))(
  '%s is found with an id that is percent-encoded',
  async (path) => {
    const spelled = filled(path).replaceAll('missing', '%6dissin%67');
    const allowed = routes.filter((route) => route.path === path).map(({ method }) => method.toUpperCase());
    for (const { id } of await ask(allowed.map((method) => `${method} ${spelled}`))) {
      expect(await routeOf(id)).toBe(path);
    }
  },
);

/** Matched route, from the log. */
function routeOf(requestId: string): Promise<string | undefined> {
  const find = () => {
    const line = broker.logLines.findLast((text) => text.includes(`"request_id":"${requestId}"`));
    return line && JSON.parse(line).route;
  };
  return eventually(
    5_000,
    async () => find(),
    (route) => route !== undefined,
  );
}

describe('what is no route', () => {
  test.each([
    '/health/live',
    '/health/ready',
    '/health/verify',
    '/openapi.json',
    '/docs',
    '/docs/start.js',
    '/docs/swagger-ui.css',
  ])('%s is found under this spelling alone', async (path) => {
    expect((await ask([`GET ${path}`]))[0]?.status).toBe(200);
    await expectNothingThere(otherSpellings(path).map((target) => `GET ${target}`));
  });

  test('the portal is found under its own address alone', async () => {
    const others = [
      '/Platform',
      '/PLATFORM/',
      '/%70latform/',
      '//platform/',
      '/platform//',
      '/platform//login',
    ];
    const dots = [
      '/platform/../docs',
      '/platform/%2e%2e/docs',
      '/platform/x/.',
      '/x/../platform/',
      '/platform\\login',
    ];
    await expectNothingThere([...others, ...dots].map((target) => `GET ${target}`));
  });

  test('forward auth is found under this spelling alone, and takes every path below as it is', async () => {
    const path = '/v1/flowplate/authz';
    const above = otherSpellings(path).filter((target) => !/^\/v1\/flowplate\/authz([/#\\]|$)/.test(target));
    await expectNothingThere(everyMethod([...above, `${path}\\`, `${path}#`, `${path}x`, `${path}%2fx`]));
    const below = ['', '/', '//', '/..', '/../api-keys', '/%2e%2e/x', '/Users//x/', '?deny=403', '/x?y#z'];
    for (const answer of await ask(everyMethod(below.map((end) => path + end)))) {
      expect([answer.status, answer.headers.get('x-flowplate-code')]).toEqual([401, 'gateway_unknown']);
    }
  });
});

describe('a reserved word as the id of a user or an organization', () => {
  const spellings = ['user', 'User', 'USER', 'verify', 'Verify', 'usage', 'Batch', 'bootstrap'];

  test.each(spellings)('422: a key for %s is not minted, and %s is not looked for', async (word) => {
    for (const [name, other] of [
      ['user_id', 'organization_id'],
      ['organization_id', 'user_id'],
    ] as const) {
      expectViolations(
        await broker.call(`POST ${keysPath}`, { body: { [name]: word, [other]: 'acme9' } }),
        name,
      );
      expectViolations(await broker.call(`GET ${keysPath}?${name}=${word}`), name);
    }
  });

  test('404: in a path it is nothing', async () => {
    for (const operation of [
      `DELETE ${keysPath}/User/acme9`,
      `DELETE ${keysPath}/usr_1/Verify`,
      `POST ${keysPath}/VERIFY/acme9/refresh`,
      `DELETE ${keysPath}/user/USER`,
      `DELETE ${keysPath}/User`,
    ]) {
      expectError(await broker.call(operation), 404, 'ROUTE_NOT_FOUND');
    }
  });
});

// `/api-keys/User/acme9` was once taken for `/api-keys/user/acme9`: all keys of the user acme9.
test('a revoke for the user `User` in `acme9` does not touch the keys of the user `acme9`', async () => {
  const innocent = await mint(broker, { user_id: 'acme9', organization_id: 'other' });
  for (const spelling of ['User', 'USER', '%75ser', '%55ser', '%75%73%65%72']) {
    expectError(await broker.call(`DELETE ${keysPath}/${spelling}/acme9`), 404, 'ROUTE_NOT_FOUND');
  }
  expect((await verify(broker, innocent.key)).code).toBe('VALID');
});

test('a key that an earlier version minted for such an id is listed, verified and revoked by its own id', async () => {
  const { key, key_id } = await mint(broker, { organization_id: 'acme9' });
  await broker.db.updateTable('api_keys').set({ user_id: 'User' }).where('id', '=', key_id).execute();
  // The mint left its record there.
  const redis = new Redis(broker.env.REDIS_URL as string);
  await redis.flushdb();
  redis.disconnect();
  expect((await broker.call(`GET ${keysPath}?organization_id=acme9`)).body.data).toMatchObject([
    { user_id: 'User' },
  ]);
  expect(await verify(broker, key)).toMatchObject({ code: 'VALID', user_id: 'User' });
  expectError(await refresh(broker, { user_id: 'User', organization_id: 'acme9' }), 404, 'ROUTE_NOT_FOUND');
  expect((await revoke(broker, key_id)).body.revoked_count).toBe(1);
  expect((await verify(broker, key)).code).toBe('REVOKED');
});
