import { join } from 'node:path';
import { projectRoot } from '../../scripts/services/project-root.ts';

/**
 * Environment of processes that run our source: Node's compile cache. An API process starts with
 * two thirds of the work, a command line with half.
 */
export const compileCache = { NODE_COMPILE_CACHE: join(projectRoot, '.flowplate', 'compile-cache') };
