import type { z } from 'zod';

/** JSON has no undefined: what is optional is there or is not. */
type Sent<T> = T extends object ? { [K in keyof T]: Sent<Exclude<T[K], undefined>> } : T;
export type Answer<R extends { answer: z.ZodType }> = Sent<z.output<R['answer']>>;
export type Body<R extends { body: z.ZodType }> = z.input<R['body']>;
export type Query<R extends { query: z.ZodType }> = z.input<R['query']>;

/** Every answer of the API fits the SDK's type, and the type has no more than the API answers. */
export type Same<Ours, Theirs> = [Theirs] extends [Ours] ? ([Ours] extends [Theirs] ? true : never) : never;
/** The API accepts every request that the SDK's type allows. */
export type Sendable<Ours, Theirs> = [Ours] extends [DeepReadonly<Theirs>] ? true : never;
type DeepReadonly<T> = T extends object ? { readonly [K in keyof T]: DeepReadonly<T[K]> } : T;
