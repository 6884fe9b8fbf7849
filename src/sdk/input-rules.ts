/**
 * The API's own rules for what people type, so that a program can say what is wrong before it asks.
 */
export { externalIdPattern } from '../domain/ids.ts';
export { reasonFault } from '../domain/impersonation-reason.ts';
export { numberRanges } from '../domain/number-ranges.ts';
export { readJson } from '../domain/read-json.ts';
export { readTime } from '../domain/read-time.ts';
