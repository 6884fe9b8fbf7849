import { FlowplateError } from '../../domain/errors.ts';
import type { Person } from '../../domain/person.ts';
import type { Db } from '../../stores/postgres/database.ts';
import { findPerson } from '../../stores/postgres/people.ts';

/** `PERSON_NOT_FOUND` for an id that never was a user's. */
export async function getPerson({ db }: { db: Db }, id: string): Promise<Person> {
  const person = await findPerson(db, id);
  if (person === undefined) throw new FlowplateError('PERSON_NOT_FOUND');
  return person;
}
