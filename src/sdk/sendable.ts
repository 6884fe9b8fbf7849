import type { components } from './api-schema.ts';

/** Bodies, queries and answers of the API, generated from its document (scripts/generate.ts). */
export type Api = components['schemas'];

/**
 * Input type for an API that takes `T`: its lists may be read-only, and undefined stands for what
 * is optional. The generated types take neither, so that every caller would have to copy.
 */
export type Sendable<T> = T extends readonly (infer Item)[]
  ? readonly Sendable<Item>[]
  : T extends object
    ? { [Name in keyof T]: Sendable<T[Name]> | UndefinedIfOptional<T, Name> }
    : T;

type UndefinedIfOptional<T, Name extends keyof T> = T extends Record<Name, T[Name]> ? never : undefined;
