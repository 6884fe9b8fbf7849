import { z } from 'zod';
import { keyIdPattern } from '../domain/ids.ts';

/** An opaque cursor is the id of the last row of the page before, wrapped so that nobody builds on what it is. */
export const keyCursor = z
  .string()
  .max(200)
  .transform((text) => Buffer.from(text, 'base64url').toString('latin1'))
  .refine((id) => keyIdPattern.test(id), 'is not a cursor of this list');

export function toCursor(id: string): string {
  return Buffer.from(id, 'latin1').toString('base64url');
}

/** Query parameters arrive as text. */
export const pageLimit = z
  .string()
  .regex(/^\d{1,3}$/, 'must be a number from 1 to 100')
  .transform(Number)
  .pipe(z.int().min(1).max(100))
  .default(50);
