// How far messages have come.
import type { Receipt } from '../store.ts';
import type { Ask } from './ask.ts';
import { ofMessages, type Place } from './message.ts';

/** Who has read a message, and of whom a device has it, by their display names. */
export interface SeenBy {
  read: string[];
  delivered: string[];
}

const SEEN = `query SeenBy($conversation: ID!, $id: ID!) {
  message(conversation: $conversation, id: $id) {
    seenBy(first: 100) { nodes { user { displayName } } }
    deliveredTo(first: 100) { nodes { user { displayName } } }
  }
}`;

export async function findSeenBy(ask: Ask, conversation: string, id: string): Promise<SeenBy> {
  type Names = { nodes: { user: { displayName: string } }[] };
  const answer = await ask<{ message: { seenBy: Names; deliveredTo: Names } | null }>(SEEN, {
    conversation,
    id,
  });
  const names = (list?: Names): string[] => list?.nodes.map(({ user }) => user.displayName) ?? [];
  const read = names(answer.message?.seenBy);
  return { read, delivered: names(answer.message?.deliveredTo).filter(name => !read.includes(name)) };
}

/** How far messages have come, by their places. One of those who have read or have each is enough. */
export async function findReceipts(
  ask: Ask,
  places: readonly (Place & { seq: number })[],
): Promise<Receipt[]> {
  type People = { nodes: { user: { id: string } }[] };
  const found = await ofMessages<{ seenBy: People; deliveredTo: People }>(
    ask,
    places,
    'seenBy(first: 1) { nodes { user { id } } } deliveredTo(first: 1) { nodes { user { id } } }',
  );
  return places.flatMap(({ key, seq }) => {
    const message = found.get(key);
    const read = (message?.seenBy.nodes ?? []).map(({ user }) => ({
      user: user.id,
      read: seq,
      delivered: 0,
    }));
    const has = (message?.deliveredTo.nodes ?? []).map(({ user }) => ({
      user: user.id,
      read: 0,
      delivered: seq,
    }));
    return [...read, ...has];
  });
}
