// What the owners and admins of a group see to: who is muted, banned, invited or asks to be let in, and its links. As GraphQL told it,
// with what was heard since.
import type { TidingsEvent } from '../../protocol/frames.ts';

/** That somebody is muted or banned. */
export interface Sanction {
  user: string;
  by: string;
  at: string;
  /** When it ends; null for never. */
  until: string | null;
  reason: string | null;
}

export interface InviteLink {
  id: string;
  by: string;
  at: string;
  until: string;
  /** How often it may be used in all, where that is counted, and how often it was. */
  uses: number | null;
  used: number;
}

/** Somebody who asks to be let in. */
export interface Asking {
  user: string;
  at: string;
}

/** That somebody is invited by somebody: others may have invited the same. */
export interface Invited {
  user: string;
  by: string;
  at: string;
  until: string;
}

/** By the name of each list, what it holds. */
export interface Lists {
  muted: Sanction;
  banned: Sanction;
  links: InviteLink;
  requests: Asking;
  invitations: Invited;
}

export type ListName = keyof Lists;
export const LISTS: readonly ListName[] = ['muted', 'banned', 'links', 'requests', 'invitations'];

/** By list and key, what was heard last: what there is, or that there is nothing. It is newer than answers. */
export type Words = { readonly [L in ListName]: ReadonlyMap<string, Lists[L] | null> };

/** What was asked for of each list; nothing of those that are not shown to this person. */
export type Answers = { readonly [L in ListName]?: readonly Lists[L][] };

export interface Governed {
  state: 'loading' | 'failed' | 'idle';
  answers: Answers;
  words: Words;
  /** By list, behind which cursor there is more. */
  next: { readonly [L in ListName]?: string };
}

const NO_WORDS: Words = {
  muted: new Map(),
  banned: new Map(),
  links: new Map(),
  requests: new Map(),
  invitations: new Map(),
};

export const emptyGoverned = (heard: readonly TidingsEvent[]): Governed => ({
  state: 'loading',
  answers: {},
  words: hear(NO_WORDS, heard),
  next: {},
});

/** What was heard, with some events more. */
export function hear(words: Words, events: readonly TidingsEvent[]): Words {
  let next = words;
  const say = <L extends ListName>(list: L, key: string, what: Lists[L] | null): void => {
    next = { ...next, [list]: new Map(next[list]).set(key, what as never) };
  };
  // Of each inviter's, what is heard of all of them is newer.
  const sayOfAll = (user: string): void => {
    const others = [...next.invitations].filter(([key, word]) => (word?.user ?? key) !== user);
    next = { ...next, invitations: new Map(others).set(user, null) };
  };
  for (const event of events) {
    const { at, actor } = event;
    switch (event.kind) {
      case 'member.muted': {
        const { user, on, until = null } = event.data;
        say('muted', user, on ? { user, by: actor, at, until, reason: null } : null);
        break;
      }
      case 'member.banned': {
        const { user, until = null, reason = null } = event.data;
        say('banned', user, { user, by: actor, at, until, reason });
        say('requests', user, null);
        break;
      }
      case 'member.unbanned':
        say('banned', event.data.user, null);
        break;
      case 'link.created': {
        const { link: id, by, until, uses = null } = event.data;
        say('links', id, { id, by, at, until, uses, used: 0 });
        break;
      }
      case 'link.revoked':
        say('links', event.data.link, null);
        break;
      case 'member.added': {
        const { user, link } = event.data;
        say('requests', user, null);
        const known = link === undefined ? null : next.links.get(link);
        if (known) say('links', known.id, { ...known, used: known.used + 1 });
        break;
      }
      case 'join.requested':
        say('requests', event.data.user, { user: event.data.user, at });
        break;
      case 'join.refused':
        say('requests', event.data.user, null);
        break;
      case 'invitation.sent': {
        const { user, by, until } = event.data;
        say('invitations', ofTwo(user, by), { user, by, at, until });
        break;
      }
      case 'invitation.withdrawn': {
        const { user, by } = event.data;
        if (by === undefined) sayOfAll(user);
        else say('invitations', ofTwo(user, by), null);
        break;
      }
      case 'invitation.accepted':
      case 'invitation.declined':
        sayOfAll(event.data.user);
        break;
    }
  }
  return next;
}

const ofTwo = (user: string, by: string): string => `${user} ${by}`;

function keyOf(list: ListName, item: Lists[ListName]): string {
  if ('id' in item) return item.id;
  return list === 'invitations' && 'by' in item ? ofTwo(item.user, item.by) : item.user;
}

/** A list as it is now: what was heard stands in the place of what was answered. */
export function listOf<L extends ListName>({ answers, words }: Governed, list: L): Lists[L][] {
  const heard = words[list] as ReadonlyMap<string, Lists[L] | null>;
  const answered = (answers[list] ?? []) as readonly Lists[L][];
  const known = answered.flatMap(item => {
    const one = heard.get(keyOf(list, item));
    // What ends all invitations of somebody is heard of them.
    const word = one === undefined && list === 'invitations' && 'user' in item ? heard.get(item.user) : one;
    if (word === null) return [];
    // How often a link was used is known of both as far as they go.
    if (word && 'used' in word && 'used' in item)
      return [{ ...word, used: Math.max(word.used, item.used) } as Lists[L]];
    return [word ?? item];
  });
  const told = new Set(answered.map(item => keyOf(list, item)));
  const others = [...heard].flatMap(([key, word]) => (word && !told.has(key) ? [word] : []));
  return [...known, ...others];
}

/** Whether it was answered what is in a list. Else it is not shown to this person, or not yet, and what was heard is not all. */
export const isTold = ({ answers }: Governed, list: ListName): boolean => answers[list] !== undefined;

/** Takes in an answer: a page of some lists, behind what was there or in its place. */
export function answered(
  governed: Governed,
  page: { answers: Answers; next: Governed['next'] },
  more: boolean,
): Governed {
  const { answers, next } = page;
  const lists = Object.keys(answers) as ListName[];
  const together = lists.map(list => [
    list,
    [...(more ? (governed.answers[list] ?? []) : []), ...(answers[list] ?? [])],
  ]);
  const ends = Object.fromEntries(
    Object.entries(governed.next).filter(([list]) => !lists.includes(list as ListName)),
  );
  return {
    ...governed,
    answers: { ...governed.answers, ...(Object.fromEntries(together) as Answers) },
    next: { ...ends, ...next },
  };
}

/** Those who were heard of. */
export const whomWordsName = (words: Words): string[] =>
  Object.values(words).flatMap((list: ReadonlyMap<string, Lists[ListName] | null>) =>
    [...list.values()].flatMap(word => (word ? [keyOfPerson(word)] : [])),
  );

const keyOfPerson = (item: Lists[ListName]): string => ('user' in item ? item.user : item.by);

/** Whether something that ends has not ended yet. */
export const holds = ({ until }: { until: string | null }, now: number): boolean =>
  until === null || Date.parse(until) > now;

/** Whether a link lets anybody in. */
export const opens = (link: InviteLink, now: number): boolean =>
  holds(link, now) && (link.uses === null || link.used < link.uses);

/** Whether the group has muted somebody now. */
export const isSilenced = (governed: Governed, user: string, now: number): boolean =>
  listOf(governed, 'muted').some(sanction => sanction.user === user && holds(sanction, now));
