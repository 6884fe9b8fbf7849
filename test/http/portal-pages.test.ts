import { mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import express, { type ErrorRequestHandler } from 'express';
import { expect, onTestFinished, test } from 'vitest';
import { portalPages } from '../../src/http/portal-pages.ts';
import { caller } from '../support/call.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const page =
  '<meta property="csp-nonce" nonce="__CSP_NONCE__"><script src="/platform/assets/a-1.js"></script>';

async function serve(directory: string) {
  const server = createServer(express().use(portalPages(directory), sayCode));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const call = caller(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, '');
  return (path: string, headers: Record<string, string> = {}) => call(`GET ${path}`, { as: null, headers });
}

const sayCode: ErrorRequestHandler = ({ code }, _req, res, _next) => void res.status(404).send(code);

/** Files of a build. */
async function built(): Promise<string> {
  const directory = join(await temporaryDirectory(), 'dist');
  await mkdir(join(directory, 'assets'), { recursive: true });
  await writeFile(join(directory, 'index.html'), page);
  await writeFile(join(directory, 'assets', 'a-1.js'), 'export {};'.repeat(200));
  await writeFile(join(directory, 'assets', 'a-1.css'), 'body {}');
  await writeFile(join(directory, 'assets', 'a-1.js.map'), '{}');
  await writeFile(join(directory, 'secret.txt'), 'beside the pages');
  return directory;
}

test('a portal that was not built says so, and what to do', async () => {
  const get = await serve(join(await temporaryDirectory(), 'dist'));
  const answer = await get('/platform/login');
  expect(answer.status).toBe(503);
  expect(answer.body).toContain('npm run build');
});

test('every view is the same page, which is never cached', async () => {
  const get = await serve(await built());
  for (const view of ['/platform/', '/platform/login', '/platform/users/puser_1?search=x']) {
    const { status, headers, body } = await get(view);
    expect(status).toBe(200);
    expect(headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(headers.get('cache-control')).toBe('no-store');
    expect(body).toContain('/platform/assets/a-1.js');
  }
});

test('the page may run our own scripts, and take styles that carry the nonce of this very answer', async () => {
  const get = await serve(await built());
  const answers = [await get('/platform/'), await get('/platform/')];
  const nonces = answers.map(({ headers, body }) => {
    const [, nonce = ''] = /nonce="([\w-]{22})"/.exec(String(body)) ?? [];
    expect(headers.get('content-security-policy')).toBe(
      `default-src 'none'; script-src 'self'; style-src 'self' 'nonce-${nonce}'; img-src 'self' data:; connect-src 'self'; font-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'`,
    );
    return nonce;
  });
  expect(new Set(nonces).size).toBe(2);
});

test('assets are immutable, compressed, and cached for ever', async () => {
  const get = await serve(await built());
  const packed = await get('/platform/assets/a-1.js', { 'accept-encoding': 'gzip' });
  expect(packed.headers.get('content-encoding')).toBe('gzip');
  expect(packed.body).toBe('export {};'.repeat(200));
  const plain = await get('/platform/assets/a-1.js', { 'accept-encoding': 'identity' });
  expect(plain.headers.has('content-encoding')).toBe(false);
  expect(plain.body).toBe(packed.body);
  for (const { headers } of [packed, plain]) {
    expect(headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
    expect(headers.get('content-type')).toBe('text/javascript; charset=utf-8');
    expect(headers.get('vary')).toBe('Accept-Encoding');
  }
  expect((await get('/platform/assets/a-1.css')).headers.get('content-type')).toBe('text/css; charset=utf-8');
});

test('nothing else is served: no other file, wherever a path leads', async () => {
  const get = await serve(await built());
  for (const name of ['a-1.js.map', 'missing.js', '..%2Fsecret.txt', '%2e%2e%2fsecret.txt']) {
    expect((await get(`/platform/assets/${name}`)).body, name).toBe('ROUTE_NOT_FOUND');
  }
});

test.each(['/', '/platform'])('%s leads to /platform/', async (path) => {
  const get = await serve(await built());
  const { status, body } = await get(path);
  expect(status).toBe(200);
  expect(body).toContain('/platform/assets/a-1.js');
});
