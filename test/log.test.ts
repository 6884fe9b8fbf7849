import { randomBytes } from 'node:crypto';
import { Redis } from 'ioredis';
import { afterAll, describe, expect, inject, test } from 'vitest';
import { newSecret } from '../src/domain/key-format.ts';
import { createLog, type Log } from '../src/log.ts';
import { endAll } from './support/at-end.ts';
import { editSource } from './support/edited-source.ts';
import { startScript } from './support/processes.ts';

afterAll(endAll);

const secret = newSecret('user', 'prod', randomBytes);
const hidden = secret.slice(-38);
/** Does not look like anything; only the name of its field gives it away. */
const password = 'correct horse battery staple';

/** Output during `write`, as text and as lines. */
function written(write: (log: Log) => void): { text: string; lines: Array<Record<string, unknown>> } {
  const lines: string[] = [];
  write(createLog({ level: 'debug', service: 'test' }, { write: (line) => void lines.push(line) }));
  return { text: lines.join(''), lines: lines.map((line) => JSON.parse(line)) };
}

describe('a secret of ours is cut down to its public part', () => {
  const places: Record<string, (log: Log) => void> = {
    'in the message': (log) => log.info(`refused ${secret}`),
    'in a field of any name': (log) => log.info({ what: secret }, 'refused'),
    'deep in an object and in a list': (log) => log.info({ a: { b: [{ c: { d: secret } }] } }, 'refused'),
    'in the name of a field': (log) => log.info({ [secret]: true }, 'refused'),
    "in an error's message": (log) => log.error({ err: new Error(`no key ${secret}`) }, 'failed'),
    "in an error's message on a line of its own": (log) =>
      log.error({ err: new Error(`no key:\n${secret}\n`) }, 'failed'),
    "in an error's cause": (log) =>
      log.error({ err: new Error('no', { cause: new Error(secret) }) }, 'failed'),
    'in an error that is logged bare': (log) => log.error(new Error(secret)),
    "in an error's own field": (log) =>
      log.error({ err: Object.assign(new Error('no'), { detail: secret }) }, 'failed'),
    'in several errors at once': (log) =>
      log.error({ err: new AggregateError([new Error(secret)], 'no') }, 'failed'),
    'in what a child always says': (log) =>
      log.child({ request: { url: `/?key=${secret}` } }).info('refused'),
  };

  test.each(Object.entries(places))('%s', (_where, write) => {
    const { text, lines } = written(write);
    expect(lines).toHaveLength(1);
    expect(text).not.toContain(hidden);
  });
});

describe('a field that names a secret is cut out, whatever it holds', () => {
  const names = ['key', 'secret', 'password', 'token', 'authorization', 'cookie', 'headers', 'body'];

  test.each(names)('%s', (name) => {
    const { text } = written((log) => {
      log.info({ [name]: password }, 'flat');
      log.info({ request: { [name]: password } }, 'one level down');
      log.child({ [name]: password }).info('in a child');
      log.error({ err: Object.assign(new Error('no'), { [name]: password }) }, 'in an error');
    });
    expect(text).not.toContain(password);
  });

  test('however deep it stands', () => {
    for (const name of names) {
      const { text } = written((log) => {
        log.info({ request: { user: { [name]: password } } }, 'two levels down');
        log.info({ a: { b: { c: { d: { [name]: password } } } } }, 'five levels down');
        log.info({ users: [{ [name]: password }] }, 'in a list');
      });
      expect(text).not.toContain(password);
    }
  });

  test('whole, with everything in it', () => {
    const { text } = written((log) => log.info({ headers: { 'x-anything': [password] } }, 'request'));
    expect(text).not.toContain(password);
  });
});

test('what a driver hangs on its errors is cut out: values, statements, and the password it logged in with', async () => {
  const url = new URL(inject('redisUrl'));
  url.password = password.replaceAll(' ', '-');
  const redis = new Redis(url.href, { lazyConnect: true, retryStrategy: () => null });
  const refused = new Promise<Error>((resolve) => redis.on('error', resolve));
  redis.connect().catch(() => undefined);
  const faults = [
    await refused,
    Object.assign(new Error('no'), { parameters: [password], query: password, config: { password } }),
  ];
  redis.disconnect();
  const { text } = written((log) => {
    for (const err of faults) log.warn({ err, dependency: 'redis' }, 'dependency fault');
  });
  expect(text).not.toContain(url.password);
  expect(text).not.toContain(password);
});

test('what is public stays readable, and every line stays JSON', () => {
  const { lines } = written((log) => {
    log.info({ request_id: 'req_1', key_id: 'flk_1', status: 200 }, 'request');
    log.info({ url: 'redis://cache:6379', user: 'someone@example.org', quote: `"${secret}"` }, 'fine');
  });
  expect(lines[0]).toMatchObject({
    level: 'info',
    service: 'test',
    request_id: 'req_1',
    key_id: 'flk_1',
    status: 200,
    msg: 'request',
  });
  expect(lines[1]).toMatchObject({ url: 'redis://cache:6379', user: 'someone@example.org' });
});

test('lines below the level are not written', () => {
  const lines: string[] = [];
  const log = createLog({ level: 'warn', service: 'test' }, { write: (line) => void lines.push(line) });
  log.info('quiet');
  log.warn('loud');
  expect(lines).toHaveLength(1);
});

describe('a process whose log does not redact does not start', () => {
  const env = {
    DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none',
    REDIS_URL: 'redis://127.0.0.1:1',
    FLOWPLATE_PEPPERS: `p1:${randomBytes(32).toString('base64url')}`,
  };

  test.each([
    [
      'what looks like a secret goes through',
      { file: 'src/domain/redact.ts', from: 'return patterns', to: 'return text; patterns' },
    ],
    [
      'what is named like a secret goes through',
      { file: 'src/log.ts', from: 'paths: [...redactedPaths]', to: 'paths: []' },
    ],
  ])('%s', async (_what, edit) => {
    const source = await editSource([edit]);
    const worker = await startScript('workers/main.ts', { source, env });
    expect((await worker.exited).code).toBe(1);
    expect(worker.stderr()).toContain('The log does not redact secrets');
  });
});
