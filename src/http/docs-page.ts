import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { Router } from 'express';
import helmet from 'helmet';
import type { RefusalPace } from './refusal-pace.ts';

const assets = dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'));

const page = `<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <title>Flowplate Keys API</title>
  <link rel="stylesheet" href="/docs/swagger-ui.css">
</head>
<body>
  <div id="swagger-ui"></div>
  <script src="/docs/swagger-ui-bundle.js"></script>
  <script src="/docs/start.js"></script>
</body>
</html>
`;

const start = `SwaggerUIBundle({ url: '/openapi.json', dom_id: '#swagger-ui', deepLinking: true, validatorUrl: null });\n`;

/**
 * The API document as generated from the routes (scripts/generate.ts). Deriving it at each start
 * would be a tenth of the work of starting.
 */
const documentFile = new URL('../../docs/openapi.json', import.meta.url);

/**
 * `/openapi.json`, and `/docs` which renders it; nothing is loaded from anywhere else. The document
 * has 390 KB: it is kept as compact text, and leaves at a pace.
 */
export function docsPage(pace: RefusalPace): Router {
  const document = Buffer.from(JSON.stringify(JSON.parse(readFileSync(documentFile, 'utf8'))));
  const router = Router({ caseSensitive: true, strict: true });
  router.get('/openapi.json', (_req, res) => {
    res.setHeader('Content-Type', 'application/json; charset=utf-8');
    res.setHeader('Content-Length', document.length);
    pace.end(res, document);
  });
  // Swagger UI sets inline styles, and draws icons from data URLs.
  const policy = helmet.contentSecurityPolicy({
    useDefaults: false,
    directives: {
      'default-src': ["'none'"],
      'script-src': ["'self'"],
      'style-src': ["'self'", "'unsafe-inline'"],
      'img-src': ["'self'", 'data:'],
      'connect-src': ["'self'"],
      'base-uri': ["'none'"],
      'form-action': ["'none'"],
      'frame-ancestors': ["'none'"],
    },
  });
  router.get('/docs', policy, (_req, res) => {
    res.type('html').send(page);
  });
  router.get('/docs/start.js', (_req, res) => {
    res.type('js').send(start);
  });
  for (const file of ['swagger-ui.css', 'swagger-ui-bundle.js']) {
    router.get(`/docs/${file}`, (_req, res) => {
      res.sendFile(file, { root: assets, maxAge: '1d' });
    });
  }
  return router;
}
