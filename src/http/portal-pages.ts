import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { type RequestHandler, Router } from 'express';
import { FlowplateError } from '../domain/errors.ts';

/** Placeholder that Vite writes in place of a nonce (portal/vite.config.ts). */
const noncePlace = '__CSP_NONCE__';

const contentTypes: Record<string, string> = {
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
};

const compress = promisify(gzip);

type Asset = { type: string; plain: Buffer; gzipped?: Promise<Buffer> };

/**
 * Serves the portal under `/platform/`: the built files, and the single page for all other paths
 * below. Files are read once at start, so that no request text becomes a file name.
 */
export function portalPages(directory: string): Router {
  // Strict routing: /platform and /platform/ differ.
  const router = Router({ caseSensitive: true, strict: true });
  const page = readPage(directory);
  const assets = readAssets(directory);
  router.get('/', (_req, res) => res.redirect(302, '/platform/'));
  router.get('/platform', (_req, res) => res.redirect(308, '/platform/'));
  router.get('/platform/assets/:name', sendAsset(assets));
  router.get('/platform/{*view}', page === undefined ? sayNotBuilt : sendPage(page));
  return router;
}

function readPage(directory: string): string | undefined {
  const path = join(directory, 'index.html');
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
}

function readAssets(directory: string): Map<string, Asset> {
  const folder = join(directory, 'assets');
  const names = existsSync(folder) ? readdirSync(folder) : [];
  return new Map(
    names.flatMap((name): [string, Asset][] => {
      const type = contentTypes[extname(name)];
      if (type === undefined) return [];
      return [[name, { type, plain: readFileSync(join(folder, name)) }]];
    }),
  );
}

/** Browsers send 30 characters. A list of 16 KiB would take milliseconds to sort. */
const codingsLengthMax = 200;

/** Immutable assets: their names contain a hash of the content. */
function sendAsset(assets: Map<string, Asset>): RequestHandler<{ name: string }> {
  return async (req, res) => {
    const asset = assets.get(req.params.name);
    if (asset === undefined) throw new FlowplateError('ROUTE_NOT_FOUND');
    const { 'accept-encoding': codings = '' } = req.headers;
    const isGzipped = codings.length <= codingsLengthMax && req.acceptsEncodings('gzip') === 'gzip';
    res.set('Content-Type', asset.type);
    res.set('Cache-Control', 'public, max-age=31536000, immutable');
    res.set('Vary', 'Accept-Encoding');
    if (isGzipped) res.set('Content-Encoding', 'gzip');
    res.send(isGzipped ? await gzipped(asset) : asset.plain);
  };
}

/** Compressed at the first request, on a thread of the pool, and kept. */
function gzipped(asset: Asset): Promise<Buffer> {
  asset.gzipped ??= compress(asset.plain);
  return asset.gzipped;
}

function sendPage(page: string): RequestHandler {
  return (_req, res) => {
    const nonce = randomBytes(16).toString('base64url');
    res.set('Content-Security-Policy', contentSecurityPolicy(nonce));
    res.set('Cache-Control', 'no-store');
    res.type('html').send(page.replaceAll(noncePlace, nonce));
  };
}

/**
 * Content security policy: scripts from our own files only. Mantine writes `<style>` elements,
 * which need the nonce of this answer. https://mantine.dev/theming/mantine-provider/#getstylenonce
 */
function contentSecurityPolicy(nonce: string): string {
  return [
    "default-src 'none'",
    "script-src 'self'",
    `style-src 'self' 'nonce-${nonce}'`,
    "img-src 'self' data:",
    "connect-src 'self'",
    "font-src 'self'",
    "frame-ancestors 'none'",
    "base-uri 'none'",
    "form-action 'self'",
  ].join('; ');
}

const sayNotBuilt: RequestHandler = (_req, res) => {
  res.set('Cache-Control', 'no-store');
  res
    .status(503)
    .type('text')
    .send('The portal has not been built: run `npm ci && npm run build` in portal/, and restart the API.\n');
};
