import { z } from 'zod';
import { idPattern } from '../../domain/ids.ts';
import { userSorts } from '../../domain/platform-user.ts';
import type { UserOrder, UserPlace } from '../../usecases/platform-users/list-platform-users.ts';

const decoded = z.tuple([
  z.enum(userSorts),
  z.boolean(),
  // Postgres text cannot hold U+0000.
  z
    .string()
    .max(1_000)
    .refine((value) => !value.includes('\0')),
  z.string().regex(idPattern('platformUser')),
]);

/** Opaque cursor of the user list, with its sort order. */
export const userCursor = z
  .string()
  .max(6_000)
  .transform((text, context) => {
    const { data } = decoded.safeParse(jsonOf(Buffer.from(text, 'base64url').toString('utf8')));
    if (data !== undefined) {
      const [by, isDescending, value, id] = data;
      return { order: { by, isDescending }, place: { value, id } };
    }
    context.addIssue('is not a cursor of this list');
    return z.NEVER;
  });

export function toUserCursor({ by, isDescending }: UserOrder, { value, id }: UserPlace): string {
  return Buffer.from(JSON.stringify([by, isDescending, value, id])).toString('base64url');
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
