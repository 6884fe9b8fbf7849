import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { projectRoot } from '../services/project-root.ts';

/**
 * TypeScript types of an OpenAPI document, by openapi-typescript, which the portal brings along.
 */
export function typesOfDocument(document: object, options: readonly string[] = []): string {
  const portal = join(projectRoot, 'portal');
  const generator = join(portal, 'node_modules/openapi-typescript/bin/cli.js');
  const { status, stdout, stderr } = spawnSync(process.execPath, [generator, ...options], {
    // In the root it would find redocly.yaml and lint as well, which is a check of its own.
    cwd: portal,
    input: JSON.stringify(document),
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  if (status !== 0) throw new Error(`no types could be made of the document: ${stderr}`);
  return stdout;
}
