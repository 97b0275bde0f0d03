// What the chat page asks over GraphQL.
import { graphql, Problem } from '../shared/api.ts';
import type { Attachment } from './nouns/attachment.ts';
import { contentText } from './nouns/message.ts';
import type { Person, Role, Summary } from './store.ts';

const PERSON = 'id username displayName';
/** Enough members to name a group by; the others become known when they speak. */
const SUMMARY = `
  id kind title myRole lastSeq lastActivityAt lastReadSeq unreadCount
  lastMessage { seq kind text recalledAt sender { ${PERSON} } }
  members(first: 40) { nodes { role user { ${PERSON} } } }
`;
const LIST = `query Conversations($after: String) {
  me { ${PERSON} }
  conversations(first: 40, after: $after) { nodes { ${SUMMARY} } pageInfo { hasNextPage endCursor } }
}`;
const ONE = `query Conversation($id: ID!) { conversation(id: $id) { ${SUMMARY} } }`;
const BY_NAME = `query UserByName($username: String!) { userByName(username: $username) { ${PERSON} } }`;

type RoleName = 'OWNER' | 'ADMIN' | 'MEMBER';

interface SummaryNode {
  id: string;
  kind: 'DIRECT' | 'GROUP';
  title: string | null;
  myRole: RoleName;
  lastSeq: number;
  lastActivityAt: string;
  lastReadSeq: number;
  unreadCount: number;
  lastMessage: {
    seq: number;
    kind: string;
    text: string | null;
    recalledAt: string | null;
    sender: Person;
  } | null;
  members: { nodes: { role: RoleName; user: Person }[] };
}

/** Summaries, and the people in them. */
export interface Found {
  summaries: Summary[];
  people: Person[];
}

export type Ask = <T>(query: string, variables?: Record<string, unknown>, after?: string) => Promise<T>;

/** Asks with a token that is good; one that the server does not take is replaced once. */
export const asker =
  (token: (refused: boolean) => Promise<string>): Ask =>
  async (query, variables, after) => {
    try {
      return await graphql(await token(false), query, variables, after);
    } catch (error) {
      if (!(error instanceof Problem) || error.code !== 'unauthenticated') throw error;
      return graphql(await token(true), query, variables, after);
    }
  };

/** One page of the viewer's conversations. */
export async function listConversations(
  ask: Ask,
  me: string,
  after: string | null,
): Promise<Found & { next: string | null }> {
  const answer = await ask<{
    me: Person;
    conversations: {
      nodes: SummaryNode[];
      pageInfo: { hasNextPage: boolean; endCursor: string | null };
    };
  }>(LIST, { after });
  const { nodes, pageInfo } = answer.conversations;
  const found = gather(nodes, me);
  return {
    summaries: found.summaries,
    people: [answer.me, ...found.people],
    next: pageInfo.hasNextPage ? pageInfo.endCursor : null,
  };
}

/** One conversation, or nothing where the viewer is no member. `position` is that of an ack to wait for. */
export async function findConversation(ask: Ask, me: string, id: string, position?: string): Promise<Found> {
  const answer = await ask<{ conversation: SummaryNode | null }>(ONE, { id }, position);
  return gather(answer.conversation ? [answer.conversation] : [], me);
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

/** All versions of a message, the oldest first. None of one that was recalled. */
export async function findVersions(ask: Ask, conversation: string, id: string): Promise<Version[]> {
  const answer = await ask<{
    message: { edits: { nodes: { at: string; text: string | null }[] } } | null;
  }>(VERSIONS, { conversation, id });
  const nodes = answer.message?.edits.nodes ?? [];
  return nodes.map(({ at, text }) => ({ at, text: text ?? '' }));
}

/** A message that is pinned. */
export interface Pinned {
  at: string;
  text: string;
  /** The display name of who wrote it. */
  sender: string;
}

const PINS = `query Pins($id: ID!) {
  conversation(id: $id) { pins { kind sentAt text sender { displayName } } }
}`;

/** The pinned messages of a conversation, the one that was pinned last first. */
export async function findPins(ask: Ask, id: string): Promise<Pinned[]> {
  const answer = await ask<{
    conversation: {
      pins: {
        kind: string;
        sentAt: string;
        text: string | null;
        sender: { displayName: string };
      }[];
    } | null;
  }>(PINS, { id });
  const pins = answer.conversation?.pins ?? [];
  return pins.map(pin => ({ at: pin.sentAt, text: line(pin), sender: pin.sender.displayName }));
}

/** A message by its place. */
export interface Place {
  key: string;
  conversation: string;
  message: string;
}

/** Asks for something of several messages in one query. Those that the viewer does not see are left out. */
async function ofMessages<T>(ask: Ask, places: readonly Place[], fields: string): Promise<Map<string, T>> {
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

const ATTACHMENT =
  'attachment { id name type size width height url thumbnail: thumbnailUrl large: thumbnailUrl(size: 1280) expiresAt }';

/** The files of messages, as far as they have one. */
export async function findAttachments(ask: Ask, places: readonly Place[]): Promise<Map<string, Attachment>> {
  const messages = await ofMessages<{ attachment: Attachment | null }>(ask, places, ATTACHMENT);
  const found = new Map<string, Attachment>();
  for (const [key, { attachment }] of messages) if (attachment) found.set(key, attachment);
  return found;
}

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

/** A message in one line of text. */
const line = ({ kind, text }: { kind: string; text: string | null }): string =>
  contentText({ kind: kind.toLowerCase(), text: text ?? '', caption: text ?? '' });

function gather(nodes: readonly SummaryNode[], me: string): Found {
  const people: Person[] = [];
  const summaries = nodes.map(node => {
    const members = node.members.nodes.map(({ user }) => user);
    people.push(...members, ...(node.lastMessage ? [node.lastMessage.sender] : []));
    return summary(node, members, me);
  });
  return { summaries, people };
}

const role = (name: RoleName): Role => name.toLowerCase() as Role;

function summary(node: SummaryNode, members: readonly Person[], me: string): Summary {
  const { lastMessage } = node;
  const roles = new Map(node.members.nodes.map(member => [member.user.id, role(member.role)] as const));
  return {
    id: node.id,
    kind: node.kind === 'DIRECT' ? 'direct' : 'group',
    title: node.title,
    members: members.map(({ id }) => id),
    roles: roles.set(me, role(node.myRole)),
    lastSeq: node.lastSeq,
    lastAt: node.lastActivityAt,
    unread: node.unreadCount,
    readSeq: node.lastReadSeq,
    preview: lastMessage && {
      seq: lastMessage.seq,
      sender: lastMessage.sender.id,
      recalled: lastMessage.recalledAt !== null,
      text: lastMessage.recalledAt ? contentText(null) : line(lastMessage),
    },
  };
}
