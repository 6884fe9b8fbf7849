import { z } from 'zod';

/** A whole number within a range, its ends included. */
export function intIn({ min, max }: { min: number; max: number }) {
  return z.int().min(min).max(max);
}
