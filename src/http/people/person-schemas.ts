import { z } from 'zod';
import { idPattern } from '../../domain/ids.ts';
import { type Person, personKinds } from '../../domain/person.ts';
import { timestampText } from '../fields.ts';

const platformUserId = idPattern('platformUser');
const apiUserId = idPattern('apiUser');

export const personParams = z.strictObject({
  id: z
    .string()
    .refine((id) => platformUserId.test(id) || apiUserId.test(id), 'must be a user id (puser_… or usr_…)'),
});

export const personAnswer = z
  .strictObject({
    id: z.string(),
    kind: z.enum(personKinds),
    name: z.string().nullable(),
    email: z.string().nullable(),
    ended_at: timestampText.nullable().describe('When the user was deleted; null while it exists'),
    erased_at: timestampText.nullable().describe('When name and address were erased'),
  })
  .meta({ id: 'Person' });

export function toPersonAnswer(person: Person): z.input<typeof personAnswer> {
  return {
    id: person.id,
    kind: person.kind,
    name: person.name,
    email: person.email,
    ended_at: person.endedAt?.toISOString() ?? null,
    erased_at: person.erasedAt?.toISOString() ?? null,
  };
}
