import { expireDueKeys } from '../src/usecases/user-keys/expire-due-keys.ts';
import { defineJob } from './job.ts';

/** Doubled, the second run finds no key left that is due. */
export const expireKeysJob = defineJob({ name: 'expire-keys', run: (parts) => expireDueKeys(parts) });
