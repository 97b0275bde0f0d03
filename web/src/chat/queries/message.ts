// Single messages: many in one query, each by its place.
import type { Attachment } from '../nouns/attachment.ts';
import type { Person } from '../store.ts';
import { line, PERSON, type Ask } from './ask.ts';

/** A message by its place. */
export interface Place {
  key: string;
  conversation: string;
  message: string;
}

/** The key of a message's place, and back. */
export const placeKey = (conversation: string, message: string): string => `${conversation}/${message}`;

export function placeOf(key: string): Place {
  const [conversation = '', message = ''] = key.split('/');
  return { key, conversation, message };
}

/** Asks for something of several messages in one query. Those that the viewer does not see are left out. */
export async function ofMessages<T>(
  ask: Ask,
  places: readonly Place[],
  fields: string,
): Promise<Map<string, T>> {
  const parameters = places.map((_, i) => `$c${i}: ID!, $m${i}: ID!`).join(', ');
  const parts = places.map((_, i) => `m${i}: message(conversation: $c${i}, id: $m${i}) { ${fields} }`);
  const variables = Object.fromEntries(
    places.flatMap(({ conversation, message }, i) => [
      [`c${i}`, conversation],
      [`m${i}`, message],
    ]),
  );
  const answer = await ask<Record<string, T | null>>(
    `query Messages(${parameters}) { ${parts.join(' ')} }`,
    variables,
  );
  const found = new Map<string, T>();
  for (const [i, { key }] of places.entries()) {
    const message = answer[`m${i}`];
    if (message) found.set(key, message);
  }
  return found;
}

/** What is said of a message where it is answered. */
export interface Quote {
  seq: number;
  /** The id of who wrote it. */
  sender: string;
  text: string;
  /** When it was edited last. */
  editedAt: string | null;
  recalled: boolean;
  withheld: boolean;
}

/** Messages that others answer, as far as the viewer sees them. */
export async function findQuotes(
  ask: Ask,
  places: readonly Place[],
): Promise<{ quotes: Map<string, Quote>; people: Person[] }> {
  const messages = await ofMessages<{
    seq: number;
    kind: string;
    text: string | null;
    editedAt: string | null;
    recalledAt: string | null;
    withheld: boolean;
    sender: Person;
  }>(ask, places, `seq kind text editedAt recalledAt withheld sender { ${PERSON} }`);
  const quotes = new Map<string, Quote>();
  for (const [key, message] of messages) {
    const { seq, sender, editedAt, withheld } = message;
    const recalled = message.recalledAt !== null;
    quotes.set(key, { seq, sender: sender.id, text: line(message), editedAt, recalled, withheld });
  }
  return { quotes, people: [...messages.values()].map(({ sender }) => sender) };
}

const ATTACHMENT =
  'attachment { id name type size width height url thumbnail: thumbnailUrl large: thumbnailUrl(size: 1280) expiresAt }';

/** The files of messages, as far as they have one. */
export async function findAttachments(ask: Ask, places: readonly Place[]): Promise<Map<string, Attachment>> {
  const messages = await ofMessages<{ attachment: Attachment | null }>(ask, places, ATTACHMENT);
  const found = new Map<string, Attachment>();
  for (const [key, { attachment }] of messages) if (attachment) found.set(key, attachment);
  return found;
}

/** What a message said from some time on. */
export interface Version {
  at: string;
  text: string;
}

/** As many as a message can have. */
const VERSIONS = `query Versions($conversation: ID!, $id: ID!) {
  message(conversation: $conversation, id: $id) { edits(first: 100) { nodes { at text } } }
}`;

/** All versions of a message, the oldest first. None of one that was recalled or is withheld. */
export async function findVersions(ask: Ask, conversation: string, id: string): Promise<Version[]> {
  const answer = await ask<{
    message: { edits: { nodes: { at: string; text: string | null }[] } } | null;
  }>(VERSIONS, { conversation, id });
  const nodes = answer.message?.edits.nodes ?? [];
  return nodes.map(({ at, text }) => ({ at, text: text ?? '' }));
}
