import type { components } from './api-schema.ts';

/** Bodies, queries and answers of the API, generated from its document (scripts/generate.ts). */
export type Api = components['schemas'];

/**
 * What a caller may pass where the API takes `T`: lists that are read-only, and undefined for what
 * is optional. The generated types take neither, so that every caller would have to copy.
 */
export type Sendable<T> = T extends readonly (infer Item)[]
  ? readonly Sendable<Item>[]
  : T extends object
    ? { [Name in keyof T]: Sendable<T[Name]> | UndefinedIfOptional<T, Name> }
    : T;

type UndefinedIfOptional<T, Name extends keyof T> = T extends Record<Name, T[Name]> ? never : undefined;
