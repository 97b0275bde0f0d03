// What this person is to others: contacts, who asked whom to be one, and whom this person blocks. Nobody sees anybody else's.
import type { Notice } from '../../protocol/frames.ts';

/** What somebody is to this person: a contact, one who asks to be (`asks`), or one who was asked (`asked`). */
export type Tie = { kind: 'contact' } | { kind: 'asks' | 'asked'; text: string | null; at: string };

export interface Relations {
  /** Whether they have been asked for with success. */
  known: boolean;
  ties: ReadonlyMap<string, Tie>;
  blocked: ReadonlySet<string>;
}

export const NO_RELATIONS: Relations = { known: false, ties: new Map(), blocked: new Set() };

/** What was heard of one person: what they are now, or whether they are blocked. */
export type Word = { user: string } & ({ tie: Tie | null } | { blocked: boolean });

/** What a notice says; nothing where it is about something else. */
export function said(notice: Notice, me: string): Word | null {
  const data = notice.data as { user?: unknown; by?: unknown; text?: unknown; on?: unknown };
  const { user, by, text, on } = data;
  if (typeof user !== 'string') return null;
  switch (notice.kind) {
    case 'contact.requested': {
      const said = typeof text === 'string' ? text : null;
      return { user, tie: { kind: by === me ? 'asked' : 'asks', text: said, at: notice.at } };
    }
    case 'contact.accepted':
      return { user, tie: { kind: 'contact' } };
    case 'contact.withdrawn':
    case 'contact.removed':
    case 'contact.declined':
      return { user, tie: null };
    case 'user.blocked':
      return { user, blocked: on === true };
    default:
      return null;
  }
}

/** With something that was heard. */
export function hear(relations: Relations, word: Word): Relations {
  if ('blocked' in word) {
    const blocked = new Set(relations.blocked);
    if (word.blocked) blocked.add(word.user);
    else blocked.delete(word.user);
    return { ...relations, blocked };
  }
  const ties = new Map(relations.ties);
  if (word.tie) ties.set(word.user, word.tie);
  else ties.delete(word.user);
  return { ...relations, ties };
}

/** An answer, but for those of whom something was heard since it was asked for: that is newer. */
export function known(
  before: Relations,
  answer: Relations,
  heard: { readonly ties: ReadonlySet<string>; readonly blocked: ReadonlySet<string> },
): Relations {
  const ties = new Map([...answer.ties].filter(([user]) => !heard.ties.has(user)));
  const blocked = new Set([...answer.blocked].filter(user => !heard.blocked.has(user)));
  for (const [user, tie] of before.ties) if (heard.ties.has(user)) ties.set(user, tie);
  for (const user of before.blocked) if (heard.blocked.has(user)) blocked.add(user);
  return { known: true, ties, blocked };
}

/** Those who are something to this person, by what they are. */
export const those = ({ ties }: Relations, kind: Tie['kind']): string[] =>
  [...ties].flatMap(([user, tie]) => (tie.kind === kind ? [user] : []));
