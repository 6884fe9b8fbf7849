import { Router } from 'express';
import { keyPatternsDocument } from '../domain/key-patterns.ts';
import type { RefusalPace } from './refusal-pace.ts';

/** A day: patterns change with a release at most. */
const keptSeconds = 86_400;

/**
 * `/.well-known/flowplate-key-patterns.json` (RFC 8615): the patterns of our keys, for scanners. It
 * is public, and any cache may keep it.
 */
export function keyPatternsPage(pace: RefusalPace): Router {
  const document = Buffer.from(`${JSON.stringify(keyPatternsDocument, null, 2)}\n`);
  const router = Router({ caseSensitive: true, strict: true });
  router.get('/.well-known/flowplate-key-patterns.json', (_req, res) => {
    res.setHeader('Content-Type', 'application/json; charset=utf-8');
    res.setHeader('Content-Length', document.length);
    res.setHeader('Cache-Control', `public, max-age=${keptSeconds}`);
    pace.end(res, document);
  });
  return router;
}
