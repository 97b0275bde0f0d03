// What the owners and admins of a group see to.
import type { Answers, Governed, ListName, Lists } from '../nouns/governed.ts';
import type { Person } from '../store.ts';
import { PERSON, type Ask } from './ask.ts';

/** So many of a list are asked for at a time. */
const PAGE = 50;
const who = `user { ${PERSON} }`;
const by = `by { ${PERSON} }`;

/** By list, what it is called over GraphQL, and what is asked of each in it. */
const FIELDS: Record<ListName, readonly [name: string, of: string]> = {
  muted: ['mutedMembers', `at until reason ${who} ${by}`],
  banned: ['banned', `at until reason ${who} ${by}`],
  links: ['links', `id at: createdAt until uses used ${by}`],
  requests: ['joinRequests', `at ${who}`],
  invitations: ['invitations', `at until ${who} ${by}`],
};

type Node = { user?: Person; by?: Person } & Record<string, unknown>;
type Page = { nodes: Node[]; pageInfo: { hasNextPage: boolean; endCursor: string | null } };

export interface GovernedPage {
  answers: Answers;
  next: Governed['next'];
  people: Person[];
}

/** A page of some lists, each behind its cursor or from its beginning. Those that are not shown to the viewer are left out. */
export async function findGoverned(
  ask: Ask,
  id: string,
  lists: readonly ListName[],
  after: Governed['next'] = {},
): Promise<GovernedPage> {
  const parameters = lists.map(list => `, $${list}: String`).join('');
  const fields = lists.map(list => {
    const [name, of] = FIELDS[list];
    return `${list}: ${name}(first: ${PAGE}, after: $${list}) { nodes { ${of} } pageInfo { hasNextPage endCursor } }`;
  });
  const variables = Object.fromEntries(lists.map(list => [list, after[list] ?? null]));
  const { conversation } = await ask<{ conversation: Partial<Record<ListName, Page | null>> | null }>(
    `query Governed($id: ID!${parameters}) { conversation(id: $id) { ${fields.join(' ')} } }`,
    { id, ...variables },
  );
  const people: Person[] = [];
  const answers: Partial<Record<ListName, unknown[]>> = {};
  const next: { [L in ListName]?: string } = {};
  for (const list of lists) {
    const page = conversation?.[list];
    if (!page) continue;
    answers[list] = page.nodes.map(({ user, by, ...rest }) => {
      people.push(...(user ? [user] : []), ...(by ? [by] : []));
      return { ...rest, ...(user && { user: user.id }), ...(by && { by: by.id }) } as Partial<
        Lists[ListName]
      >;
    });
    const { hasNextPage, endCursor } = page.pageInfo;
    if (hasNextPage && endCursor !== null) next[list] = endCursor;
  }
  return { answers: answers as Answers, next, people };
}
