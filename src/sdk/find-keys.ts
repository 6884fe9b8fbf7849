/** Search for keys in files, for the command line. */
export { type FoundKey, KeyFinder } from '../domain/key-finder.ts';
export { publicKinds } from '../domain/key-patterns.ts';
