// The viewer's contacts, the requests of both directions, and whom the viewer blocks.
import type { Relations, Tie } from '../nouns/contact.ts';
import type { Person } from '../store.ts';
import { PERSON, type Ask } from './ask.ts';

/** Pages of each list that are loaded at most, of 100 each. */
const PAGES_MAX = 20;
const PAGE = 'pageInfo { hasNextPage endCursor }';
const who = `user { ${PERSON} }`;

/** By list, what is asked of each in it. */
const LISTS = {
  contacts: who,
  contactRequests: `at text ${who}`,
  sentContactRequests: `at text ${who}`,
  blocked: PERSON,
} as const;

type List = keyof typeof LISTS;
type Node = { user?: Person; at?: string; text?: string | null } & Partial<Person>;
type Page = { nodes: Node[]; pageInfo: { hasNextPage: boolean; endCursor: string | null } };

export async function findRelations(ask: Ask): Promise<{ relations: Relations; people: Person[] }> {
  const ties = new Map<string, Tie>();
  const blocked = new Set<string>();
  const people: Person[] = [];
  let lists = Object.keys(LISTS) as List[];
  const after: Partial<Record<List, string | null>> = {};
  for (let page = 0; page < PAGES_MAX && lists.length > 0; page++) {
    const parameters = lists.map(list => `$${list}: String`).join(', ');
    const fields = lists.map(
      list => `${list}(first: 100, after: $${list}) { nodes { ${LISTS[list]} } ${PAGE} }`,
    );
    const variables = Object.fromEntries(lists.map(list => [list, after[list] ?? null]));
    const found = await ask<Partial<Record<List, Page>>>(
      `query Relations(${parameters}) { ${fields.join(' ')} }`,
      variables,
    );
    const longer: List[] = [];
    for (const list of lists) {
      const { nodes = [], pageInfo } = found[list] ?? {};
      for (const node of nodes) {
        const person = node.user ?? (node as Person);
        people.push(person);
        const { at = '', text = null } = node;
        if (list === 'blocked') blocked.add(person.id);
        else if (list === 'contacts') ties.set(person.id, { kind: 'contact' });
        else ties.set(person.id, { kind: list === 'contactRequests' ? 'asks' : 'asked', text, at });
      }
      after[list] = pageInfo?.endCursor ?? null;
      if (pageInfo?.hasNextPage && after[list] !== null) longer.push(list);
    }
    lists = longer;
  }
  return { relations: { known: true, ties, blocked }, people };
}
