// Mentions on the chat page: names with an @ before them, of people who are in the conversation.
import { readMarkup, type Piece } from '../markup.ts';
import type { Conversation, Person } from '../store.ts';
import { may, type Viewer } from './permission.ts';

const SUGGESTED_MAX = 8;

/** A name that is being written: where its @ stands, and what has been written of it. */
export interface Beginning {
  at: number;
  written: string;
}

export function beginning(text: string, caret: number): Beginning | null {
  const found = /(?<![\p{L}\p{N}_@.-])@([\p{L}\p{N}_.-]{0,32})$/u.exec(
    text.slice(Math.max(0, caret - 40), caret),
  );
  if (!found) return null;
  return { at: caret - found[0].length, written: found[1]! };
}

/** Those who may be meant, the likeliest first. */
export function suggested(people: readonly Person[], written: string): Person[] {
  const wanted = folded(written);
  const ranked = people.flatMap(person => {
    const rank = rankOf(person, wanted);
    return rank === null ? [] : [{ person, rank }];
  });
  ranked.sort((a, b) => a.rank - b.rank || a.person.displayName.localeCompare(b.person.displayName));
  return ranked.slice(0, SUGGESTED_MAX).map(({ person }) => person);
}

function rankOf({ username, displayName }: Person, wanted: string): number | null {
  const [name, shown] = [folded(username), folded(displayName)];
  if (name.startsWith(wanted) || shown.startsWith(wanted)) return 0;
  if (shown.split(/\s+/).some(word => word.startsWith(wanted))) return 1;
  return name.includes(wanted) || shown.includes(wanted) ? 2 : null;
}

/** Without case and accents. */
const folded = (text: string): string => text.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase();

/** The text with a name in the place of its beginning, and where one goes on to write. */
export function completed(
  text: string,
  { at, written }: Beginning,
  { username }: Person,
): { text: string; caret: number } {
  const before = `${text.slice(0, at)}@${username} `;
  const after = text.slice(at + 1 + written.length).replace(/^ /, '');
  return { text: before + after, caret: before.length };
}

/** By username in lower case, the ids of people. */
export const byName = (people: Iterable<Person>): Map<string, string> =>
  new Map([...people].map(({ id, username }) => [username.toLowerCase(), id]));

/** Whom of these a text mentions, each once; not in code. */
export function mentionedIn(text: string, people: Iterable<Person>, most: number): string[] {
  if (!text.includes('@')) return [];
  const found = new Set<string>();
  const look = (pieces: readonly Piece[]): void => {
    for (const piece of pieces) {
      if ('pieces' in piece) look(piece.pieces);
      else if (piece.kind === 'mention') found.add(piece.user);
    }
  };
  look(readMarkup(text, byName(people)));
  return [...found].slice(0, most);
}

/** Stands for all members where names are looked for; nobody can have it for an id. */
export const EVERYONE: Person = { id: 'everyone', username: 'everyone', displayName: 'Everyone here' };

/** Whether the server would let somebody mention all members, as far as this page can tell. */
export const mayMentionEveryone = (conversation: Conversation, viewer: Viewer): boolean =>
  may('everyone', conversation, viewer);
