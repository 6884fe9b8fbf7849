import { join } from 'node:path';

/** Top directory of the clone, independent of the working directory. */
export const projectRoot = join(import.meta.dirname, '..', '..');

/** Downloaded tools: one copy for every data directory of this clone, ignored by git. */
export const toolsDir = join(projectRoot, '.flowplate', 'tools');
