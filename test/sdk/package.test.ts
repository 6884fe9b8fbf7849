import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { atEnd, endAll } from '../support/at-end.ts';
import { startBroker, type TestBroker } from '../support/broker.ts';
import { newOwner } from '../support/keys.ts';
import { installSdk, packSdk, tsc } from './built-package.ts';

const run = promisify(execFile);
const buildMsMax = 120_000;

let broker: TestBroker;
let consumer: string;
beforeAll(async () => {
  broker = await startBroker();
  const directory = await mkdtemp(join(tmpdir(), 'flowplate-test-'));
  atEnd(() => rm(directory, { recursive: true, force: true }));
  const packages = ['@types/node', '@types/express', 'express'];
  consumer = await installSdk(directory, await packSdk(directory), packages);
}, buildMsMax);
afterAll(async () => {
  await endAll();
  await broker.close();
});

/** Every Node.js of this machine that is new enough: the one that runs the tests, and those that the PATH leads to. */
async function nodes(): Promise<string[]> {
  const found = new Map<string, string>();
  const paths = (process.env.PATH ?? '').split(delimiter).map((directory) => join(directory, 'node'));
  for (const node of [process.execPath, ...paths]) {
    const version = await run(node, ['--version']).then(
      ({ stdout }) => stdout.trim(),
      () => '',
    );
    const [major = 0, minor = 0] = version.slice(1).split('.').map(Number);
    if (major > 20 || (major === 20 && minor >= 15)) found.set(version, node);
  }
  return [...found.values()];
}

test('the package has its code, types and README, nothing of the server, and no dependency', async () => {
  const installed = join(consumer, 'node_modules/@flowplate/keys');
  const manifest = JSON.parse(await readFile(join(installed, 'package.json'), 'utf8'));
  expect(manifest).toMatchObject({ name: '@flowplate/keys', type: 'module' });
  expect([manifest.dependencies, manifest.peerDependencies, manifest.scripts]).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
  const { stdout } = await run('find', [installed, '-type', 'f', '-printf', '%P\n']);
  const files = stdout.trim().split('\n');
  expect(files).toEqual(expect.arrayContaining(['README.md', 'package.json', 'dist/sdk/index.d.ts']));
  const rooms = files.filter((file) => file.startsWith('dist/')).map((file) => file.split('/')[1]);
  expect(new Set(rooms)).toEqual(new Set(['sdk', 'domain', 'verify']));
  expect(files.filter((file) => /stores|lease\.js$|key-records|pg|redis/.test(file))).toEqual([
    'dist/sdk/broker-lease.js',
  ]);
});

test(
  'plain Node.js imports it and works with it: client, embedded verifier, middleware',
  async () => {
    const program = `
    import { FlowplateApiError, FlowplateClient, FlowplateOperatorClient, FlowplateVerifier } from '@flowplate/keys';
    import { flowplateExpress } from '@flowplate/keys/express';
    import { flowplateFastify } from '@flowplate/keys/fastify';
    const at = { baseUrl: process.env.URL, masterKey: process.env.MASTER_KEY };
    const client = new FlowplateClient(at);
    const verifier = new FlowplateVerifier(at);
    await verifier.start();
    const owner = JSON.parse(process.env.OWNER);
    const { key, key_id } = await client.mint(owner);
    const codes = [(await verifier.verify({ key })).code, verifier.verifyNow({ key })?.code];
    const { propagation } = await client.revoke(key_id);
    codes.push((await verifier.verify({ key })).code);
    const error = await client.get('flk_0000000000000000000000').catch((thrown) => thrown);
    const operator = new FlowplateOperatorClient({ baseUrl: at.baseUrl, credential: 'x' });
    const refusal = await operator.session.me().catch((thrown) => thrown);
    await verifier.close();
    process.stdout.write(JSON.stringify({
      codes, propagation, error: [error instanceof FlowplateApiError, error.code, refusal.code],
      middleware: [typeof flowplateExpress(verifier), typeof flowplateFastify(verifier)],
    }));`;
    await writeFile(join(consumer, 'program.js'), program);
    const found = await nodes();
    expect(found.length).toBeGreaterThan(0);
    for (const node of found) {
      const env = { URL: broker.url, MASTER_KEY: broker.masterKey, OWNER: JSON.stringify(newOwner()) };
      const { stdout, stderr } = await run(node, ['program.js'], { cwd: consumer, env });
      expect(stderr).toBe('');
      expect(JSON.parse(stdout)).toEqual({
        codes: ['VALID', 'VALID', 'REVOKED'],
        propagation: 'complete',
        error: [true, 'KEY_NOT_FOUND', 'AUTHENTICATION_REQUIRED'],
        middleware: ['function', 'function'],
      });
    }
  },
  buildMsMax,
);

describe('a consumer that is checked strictly, our declarations included', () => {
  const right = `
    import { type Accepted, FlowplateClient, FlowplateOperatorClient, FlowplateVerifier, type Key, type Tenant, type Verdict } from '@flowplate/keys';
    import { flowplateExpress, verdictOf } from '@flowplate/keys/express';
    import { flowplateFastify } from '@flowplate/keys/fastify';
    import express from 'express';
    const at = { baseUrl: 'http://127.0.0.1:9123', masterKey: 'x' };
    const client = new FlowplateClient(at);
    const verifier = new FlowplateVerifier({ ...at, onFault: (error: unknown) => void error });
    export async function work(): Promise<string[]> {
      const { key } = await client.mint({ user_id: 'u', organization_id: 'o', rate_limit: { limit: 1, window_seconds: 60 } });
      const verdict: Verdict = verifier.verifyNow({ key }) ?? (await verifier.verify({ key }));
      const scopes = verdict.valid ? verdict.scopes : [];
      const keys: Key[] = [];
      for await (const one of client.list({ status: 'active' })) keys.push(one);
      const { propagation } = await client.revokeUser('u');
      const operator = new FlowplateOperatorClient({ baseUrl: at.baseUrl, credential: 'x' });
      const tenants: Tenant[] = (await operator.tenants.list({ limit: 10 })).data;
      return [...tenants.map(({ name }) => name), ...scopes, propagation satisfies 'complete' | 'pending', ...keys.map(({ key_id }) => key_id)];
    }
    const app = express();
    app.use(flowplateExpress<express.Request>(verifier, { demands: (req) => ({ scopes: [req.method] }) }));
    app.use(flowplateExpress(verifier));
    app.get('/me', (req, res) => { const accepted: Accepted = verdictOf(req); res.json(accepted.user_id); });
    export const hook = flowplateFastify(verifier, { demands: { scopes: ['read'] } });`;

  const wrong = `
    import { FlowplateClient } from '@flowplate/keys';
    const client = new FlowplateClient({ baseUrl: 'http://127.0.0.1:9123', masterKey: 'x' });
    // @ts-expect-error no organization
    void client.mint({ user_id: 'u' });
    // @ts-expect-error a refusal has no user
    void client.verify({ key: 'x' }).then((verdict) => verdict.user_id);
    // @ts-expect-error a typo
    void client.listPage({ statuss: 'active' });`;

  test.each([
    ['nodenext', 'nodenext', []],
    ['esnext', 'bundler', ['--skipLibCheck']],
  ])(
    'with %s modules resolved by %s',
    async (module, moduleResolution, others) => {
      await writeFile(join(consumer, 'right.ts'), right);
      await writeFile(join(consumer, 'wrong.ts'), wrong);
      const options = ['--strict', '--noEmit', '--target', 'es2022', '--types', 'node', '--esModuleInterop'];
      const modules = ['--module', module, '--moduleResolution', moduleResolution];
      const { stdout } = await tsc(consumer, ...options, ...modules, ...others, 'right.ts', 'wrong.ts');
      expect(stdout).toBe('');
    },
    buildMsMax,
  );
});
