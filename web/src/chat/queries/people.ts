// People, by their names and ids.
import type { Person } from '../store.ts';
import { PERSON, type Ask } from './ask.ts';

const BY_NAME = `query UserByName($username: String!) { userByName(username: $username) { ${PERSON} } }`;

export async function findPerson(ask: Ask, username: string): Promise<Person | null> {
  return (await ask<{ userByName: Person | null }>(BY_NAME, { username })).userByName;
}

/** The people of these ids, as far as they exist. */
export async function findPeople(ask: Ask, ids: readonly string[]): Promise<Person[]> {
  const parameters = ids.map((_, i) => `$u${i}: ID!`).join(', ');
  const fields = ids.map((_, i) => `u${i}: user(id: $u${i}) { ${PERSON} }`).join(' ');
  const variables = Object.fromEntries(ids.map((id, i) => [`u${i}`, id]));
  const answer = await ask<Record<string, Person | null>>(
    `query People(${parameters}) { ${fields} }`,
    variables,
  );
  return Object.values(answer).filter(person => person !== null);
}
