import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type ForwardProxy, startForwardProxy } from '../support/forward-proxy.ts';
import { quietPort } from '../support/quiet-port.ts';
import { startTlsFront } from '../support/tls-front.ts';
import { useOperatorDesk } from './platform-user-desk.ts';

const { broker, desk } = useOperatorDesk();

/** Only the proxy knows where it is. */
const name = 'keys.flowplate.invalid';
const stats = ['platform', 'stats'];

let proxy: ForwardProxy;
let port: string;
/** With http and with https, both by its name. */
let plain: string;
let secure: string;
let trust: Record<string, string>;
beforeAll(async () => {
  proxy = await startForwardProxy();
  port = new URL(broker().url).port;
  plain = `http://${name}:${port}`;
  const front = await startTlsFront(Number(port), name, desk().home);
  secure = `https://${name}:${front.port}`;
  trust = { NODE_EXTRA_CA_CERTS: front.certificate };
});
beforeEach(() => {
  proxy.passed.length = 0;
});

const run = (server: string, env: Record<string, string>, args = stats) =>
  desk().run(['--server', server, ...args], { env });

async function expectThrough(server: string, env: Record<string, string>): Promise<void> {
  const { stdout, stderr, exitCode } = await run(server, env);
  expect([stderr, exitCode]).toEqual(['', 0]);
  expect(stdout).toContain('Active keys: ');
  expect(proxy.passed).toHaveLength(1);
}

async function expectDirect(env: Record<string, string>): Promise<void> {
  const { stderr, exitCode } = await run(broker().url, env);
  expect([stderr, exitCode, proxy.passed]).toEqual(['', 0, []]);
}

describe('an http:// server', () => {
  test('is reached by way of HTTP_PROXY, which sees the request with its credential', async () => {
    await expectThrough(plain, { HTTP_PROXY: proxy.url });
    expect(proxy.passed).toMatchObject([
      {
        kind: 'forward',
        target: `${plain}/api/v1/platform/stats`,
        headers: { authorization: `Bearer ${desk().env.FLOWPLATE_API_KEY}` },
      },
    ]);
  });

  test('is reached by way of http_proxy, which goes before HTTP_PROXY', async () => {
    await expectThrough(plain, { http_proxy: proxy.url, HTTP_PROXY: 'http://127.0.0.1:9' });
  });

  test('on this machine is reached by way of the proxy as well, unless NO_PROXY says otherwise', async () => {
    await expectThrough(broker().url, { HTTP_PROXY: proxy.url });
  });

  test.each([
    ['its address', () => ({ NO_PROXY: '127.0.0.1' })],
    ['its address and port', () => ({ NO_PROXY: `127.0.0.1:${port}` })],
    ['a list', () => ({ NO_PROXY: `example.com, 127.0.0.1 ,.internal` })],
    ['everything', () => ({ NO_PROXY: '*' })],
    ['no_proxy', () => ({ no_proxy: '127.0.0.1', NO_PROXY: 'example.com' })],
  ])('is reached directly when NO_PROXY has %s', async (_what, except) => {
    await expectDirect({ HTTP_PROXY: proxy.url, ...except() });
  });

  test('is reached by way of the proxy when NO_PROXY has another host or port', async () => {
    await expectThrough(broker().url, { HTTP_PROXY: proxy.url, NO_PROXY: '127.0.0.2,localhost,127.0.0.1:1' });
  });

  test('is reached directly when only HTTPS_PROXY is set, or a proxy is set to nothing', async () => {
    await expectDirect({ HTTPS_PROXY: proxy.url });
    await expectDirect({ HTTP_PROXY: '', http_proxy: '' });
  });

  test('is reached by an older Node.js too, which learns of proxies only as it starts', async () => {
    const forget = "import http from 'node:http'; delete http.setGlobalProxyFromEnv;";
    const env = { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(forget)}` };
    await expectThrough(plain, { ...env, HTTP_PROXY: proxy.url });
    proxy.passed.length = 0;
    await expectDirect({ ...env, HTTP_PROXY: proxy.url, NO_PROXY: '127.0.0.1' });
  });
});

describe('an https:// server', () => {
  test('is reached through a tunnel of HTTPS_PROXY, which sees no credential', async () => {
    await expectThrough(secure, { HTTPS_PROXY: proxy.url, ...trust });
    expect(proxy.passed).toMatchObject([{ kind: 'tunnel', target: new URL(secure).host }]);
    expect(JSON.stringify(proxy.passed)).not.toMatch(/flplatform_|authorization|api\/v1/i);
  });

  test('has nothing to do with HTTP_PROXY', async () => {
    const { stderr, exitCode } = await run(secure, { HTTP_PROXY: proxy.url, ...trust });
    expect([stderr, exitCode]).toEqual([`flowplate: ${secure} could not be reached (ENOTFOUND)\n`, 1]);
    expect(proxy.passed).toEqual([]);
  });

  test('is not believed when its certificate is not trusted', async () => {
    const { stderr, exitCode } = await run(secure, { HTTPS_PROXY: proxy.url });
    expect(exitCode).toBe(1);
    expect(stderr).toContain('could not be reached');
  });
});

describe('a proxy', () => {
  test('with a password in its address gets it, and nobody else sees it', async () => {
    const guarded = await startForwardProxy('me:hunter2');
    expect((await run(plain, { HTTP_PROXY: guarded.url })).exitCode).toBe(0);
    expect((await run(secure, { HTTPS_PROXY: guarded.url, ...trust })).exitCode).toBe(0);
    const wrong = guarded.url.replace('hunter2', 'hunter3');
    for (const [server, variable] of [
      [plain, 'HTTP_PROXY'],
      [secure, 'HTTPS_PROXY'],
    ] as const) {
      const { stdout, stderr, exitCode } = await run(server, { [variable]: wrong, ...trust });
      expect([stdout, exitCode]).toEqual(['', 1]);
      expect(stderr).toContain(`${variable} is set; NO_PROXY lists the hosts that are reached without it`);
      expect(stderr).not.toContain('hunter3');
    }
  });

  test('that does not answer is told of', async () => {
    const env = { HTTP_PROXY: `http://127.0.0.1:${await quietPort()}` };
    expect(await run(plain, env)).toEqual({
      stdout: '',
      stderr: `flowplate: ${plain} could not be reached (ECONNREFUSED). HTTP_PROXY is set; NO_PROXY lists the hosts that are reached without it\n`,
      exitCode: 1,
    });
  });

  test.each(['proxy.example.com:3128', 'socks5://me:hunter2@127.0.0.1:1080', '::', 'hunter2'])(
    'that is none is wrong use, and is not repeated: %s',
    async (value) => {
      const { stdout, stderr, exitCode } = await run(plain, { HTTP_PROXY: value });
      expect([stdout, exitCode]).toEqual(['', 2]);
      expect(stderr).toBe(
        'flowplate: HTTP_PROXY is no address of a proxy such as http://proxy.example.com:3128\n',
      );
    },
  );
});

test('the help names the variables', async () => {
  const { stdout } = await desk().run(['--help']);
  for (const variable of ['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY']) expect(stdout).toContain(variable);
});
