import { join } from 'node:path';
import { projectRoot } from '../../scripts/services/project-root.ts';

/**
 * Environment of processes that run our source, or a copy of it: Node's compile cache. An API
 * process starts with two thirds of the work, a command line with half.
 */
export function compileCache(root = projectRoot): { NODE_COMPILE_CACHE: string } {
  return { NODE_COMPILE_CACHE: join(root, '.flowplate', 'compile-cache') };
}
