import { join } from 'node:path';

/** The clone's top directory; never the caller's working directory, which can be anywhere. */
export const projectRoot = join(import.meta.dirname, '..', '..');

/** Where downloaded tools live: one copy for every data directory of this clone, ignored by git. */
export const toolsDir = join(projectRoot, '.flowplate', 'tools');
