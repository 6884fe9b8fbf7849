import { execFile } from 'node:child_process';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { endAll } from '../support/at-end.ts';
import { startBroker, type TestBroker } from '../support/broker.ts';
import { newOwner } from '../support/keys.ts';
import { olderNode } from './older-node.ts';
import { installedAsPublished, nodesSince, tsc } from './packed.ts';

const run = promisify(execFile);
const buildMsMax = 180_000;

let broker: TestBroker;
let consumer: string;
beforeAll(async () => {
  broker = await startBroker();
  const packages = ['@types/node', '@types/express', 'express'];
  ({ consumer } = await installedAsPublished('keys', packages));
}, buildMsMax);
afterAll(async () => {
  await endAll();
  await broker.close();
});

test('the package has its code, types, README and licence, and depends on nothing', async () => {
  const directory = join(consumer, 'node_modules/@flowplate/keys');
  const manifest = JSON.parse(await readFile(join(directory, 'package.json'), 'utf8'));
  expect(manifest).toMatchObject({ name: '@flowplate/keys', type: 'module' });
  expect([manifest.dependencies, manifest.scripts]).toEqual([undefined, undefined]);
  expect(Object.values(manifest.peerDependenciesMeta)).toEqual([{ optional: true }, { optional: true }]);
  expect(await readdir(directory)).toEqual(['LICENSE', 'README.md', 'dist', 'package.json']);
  for (const format of ['esm', 'cjs']) {
    const dist = join(directory, 'dist', format);
    const rooms = (await readdir(dist)).filter((room) => room !== 'package.json');
    expect(rooms).toEqual(['domain', 'revocation', 'sdk', 'verify']);
    const files = await readdir(join(dist, 'sdk'));
    expect(files).toEqual(expect.arrayContaining(['index.js', 'index.d.ts', 'express.js', 'fastify.d.ts']));
    expect(await readdir(join(dist, 'revocation'))).not.toContain('lease.js');
  }
});

const imports = [
  `import { FlowplateApiError, FlowplateClient, FlowplateOperatorClient, FlowplateVerifier } from '@flowplate/keys';`,
  `import { flowplateExpress } from '@flowplate/keys/express';`,
  `import { flowplateFastify } from '@flowplate/keys/fastify';`,
];

/** The same by CommonJS. */
const requires = imports.map((line) => line.replace(/^import (.*) from (.*);$/, 'const $1 = require($2);'));

const program = `
  const at = { baseUrl: process.env.URL, masterKey: process.env.MASTER_KEY };
  const client = new FlowplateClient(at);
  const verifier = new FlowplateVerifier(at);
  await verifier.start();
  const owner = JSON.parse(process.env.OWNER);
  const { key, key_id } = await client.mint(owner);
  const codes = [(await verifier.verify({ key })).code];
  // On a busy machine the lease may come late: memory answers from then on.
  let known;
  while ((known = verifier.verifyNow({ key })) === undefined) await verifier.verify({ key });
  codes.push(known.code);
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

test.each([
  ['an ES module', 'program.mjs', `${imports.join('\n')}\n${program}`],
  ['CommonJS', 'program.cjs', `${requires.join('\n')}\n(async () => {${program}})();`],
])(
  'plain Node.js loads it from %s and works with it: client, embedded verifier, middleware',
  async (_, file, text) => {
    await writeFile(join(consumer, file), text);
    for (const node of [await olderNode(), ...(await nodesSince([20, 15]))]) {
      const env = { URL: broker.url, MASTER_KEY: broker.masterKey, OWNER: JSON.stringify(newOwner()) };
      const { stdout, stderr } = await run(node, [file], { cwd: consumer, env, timeout: 60_000 });
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
    ['nodenext', 'nodenext', 'mts', []],
    ['node16', 'node16', 'mts', []],
    ['node16', 'node16', 'cts', []],
    ['esnext', 'bundler', 'ts', ['--skipLibCheck']],
  ])(
    'with %s modules resolved by %s, in a file .%s',
    async (module, moduleResolution, extension, others) => {
      const files = [`right.${extension}`, `wrong.${extension}`] as const;
      await writeFile(join(consumer, files[0]), right);
      await writeFile(join(consumer, files[1]), wrong);
      const options = ['--strict', '--noEmit', '--target', 'es2022', '--types', 'node', '--esModuleInterop'];
      const modules = ['--module', module, '--moduleResolution', moduleResolution];
      const { stdout } = await tsc(consumer, ...options, ...modules, ...others, ...files);
      expect(stdout).toBe('');
    },
    buildMsMax,
  );
});
