// What the chat page asks over GraphQL.
import type { Content, TidingsEvent } from '../protocol/frames.ts';
import { graphql, Problem } from '../shared/api.ts';
import { amended, isInMain, type Amendment, type MessageEntry } from './fold.ts';
import type { Later } from './log.ts';
import type { Attachment } from './nouns/attachment.ts';
import { contentText, withText } from './nouns/message.ts';
import { NAMED_REACTORS, type Person, type Role, type Summary } from './store.ts';

const PERSON = 'id username displayName';
/** Enough members to name a group by; the others become known when they speak. */
export const SUMMARY_MEMBERS = 40;
const SUMMARY = `
  id kind title myRole lastSeq lastActivityAt lastReadSeq unreadCount mentionCount
  muted mutedUntil archived markedUnread
  lastMessage { seq kind text recalledAt sender { ${PERSON} } }
  members(first: ${SUMMARY_MEMBERS}) { nodes { role user { ${PERSON} } } }
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
  mentionCount: number;
  muted: boolean;
  mutedUntil: string | null;
  archived: boolean;
  markedUnread: boolean;
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

export interface MembersPage {
  people: Person[];
  next: string | null;
}

const MEMBERS = `query Members($id: ID!, $after: String) {
  conversation(id: $id) { members(first: 100, after: $after) { nodes { user { ${PERSON} } } pageInfo { hasNextPage endCursor } } }
}`;

/** One page of the members of a conversation. */
export async function findMembers(ask: Ask, id: string, after: string | null): Promise<MembersPage> {
  const answer = await ask<{
    conversation: {
      members: {
        nodes: { user: Person }[];
        pageInfo: { hasNextPage: boolean; endCursor: string | null };
      };
    } | null;
  }>(MEMBERS, { id, after });
  if (!answer.conversation) return { people: [], next: null };
  const { nodes, pageInfo } = answer.conversation.members;
  return { people: nodes.map(({ user }) => user), next: pageInfo.hasNextPage ? pageInfo.endCursor : null };
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
  seq: number;
  at: string;
  text: string;
  /** The display name of who wrote it. */
  sender: string;
}

const PINS = `query Pins($id: ID!) {
  conversation(id: $id) { pins { seq kind sentAt text sender { displayName } } }
}`;

/** The pinned messages of a conversation, the one that was pinned last first. */
export async function findPins(ask: Ask, id: string): Promise<Pinned[]> {
  const answer = await ask<{
    conversation: {
      pins: {
        seq: number;
        kind: string;
        sentAt: string;
        text: string | null;
        sender: { displayName: string };
      }[];
    } | null;
  }>(PINS, { id });
  const pins = answer.conversation?.pins ?? [];
  return pins.map(pin => ({ seq: pin.seq, at: pin.sentAt, text: line(pin), sender: pin.sender.displayName }));
}

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

/** What is said of a message where it is answered. */
export interface Quote {
  seq: number;
  /** The id of who wrote it. */
  sender: string;
  text: string;
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
    recalledAt: string | null;
    sender: Person;
  }>(ask, places, `seq kind text recalledAt sender { ${PERSON} }`);
  const quotes = new Map<string, Quote>();
  for (const [key, message] of messages) {
    const text = message.recalledAt ? contentText(null) : line(message);
    quotes.set(key, { seq: message.seq, sender: message.sender.id, text });
  }
  return { quotes, people: [...messages.values()].map(({ sender }) => sender) };
}

/** So many messages in one query, and so many of whose reactions people are asked for: a list in a list costs much. */
const LATER_AT_ONCE = 100;
const REACTED_AT_ONCE = 20;

interface Reaction {
  emoji: string;
  count: number;
  viewerReacted: boolean;
}

/**
 * What became of the messages among some events of a conversation, as far as the read models know by now. Those without content were
 * recalled, or are hidden, of which nothing is said.
 */
export async function findLater(
  ask: Ask,
  me: string,
  id: string,
  events: readonly TidingsEvent[],
): Promise<Later> {
  const later = new Map<string, Amendment>();
  const sent = new Map<string, Content | null>();
  for (const event of events) {
    if (event.kind === 'message.sent') sent.set(event.data.message, event.data.content);
  }
  const places = [...sent.keys()].map(message => ({ key: message, conversation: id, message }));
  const reacted: Place[] = [];
  for (const some of parts(places, LATER_AT_ONCE)) {
    const found = await ofMessages<{
      text: string | null;
      editedAt: string | null;
      recalledAt: string | null;
      pinned: boolean;
      replyCount: number;
      reactions: Reaction[];
    }>(ask, some, 'text editedAt recalledAt pinned replyCount reactions { emoji }');
    for (const place of some) {
      const message = found.get(place.key);
      if (!message) continue;
      const { text, editedAt: at, recalledAt, pinned, replyCount: counted, reactions } = message;
      const content = sent.get(place.key);
      const edit = at === null || !content ? {} : { edit: { content: withText(content, text ?? ''), at } };
      const threaded = counted > 0 ? { counted } : {};
      if (recalledAt !== null) later.set(place.key, { ...threaded, recalled: true });
      else if (at !== null || pinned || counted > 0) {
        later.set(place.key, { ...edit, ...threaded, ...(pinned && { pinned }) });
      }
      if (reactions.length > 0) reacted.push(place);
    }
  }
  for (const [key, reactions] of await findReactions(ask, me, reacted)) {
    later.set(key, { ...later.get(key), reactions });
  }
  return later;
}

/** Who reacted how to messages, as if each had just done so. */
async function findReactions(
  ask: Ask,
  me: string,
  reacted: readonly Place[],
): Promise<Map<string, NonNullable<Amendment['reactions']>>> {
  const all = new Map<string, NonNullable<Amendment['reactions']>>();
  for (const some of parts(reacted, REACTED_AT_ONCE)) {
    const found = await ofMessages<{ reactions: (Reaction & { users: { nodes: { id: string }[] } })[] }>(
      ask,
      some,
      `reactions { emoji count viewerReacted users(first: ${NAMED_REACTORS}) { nodes { id } } }`,
    );
    for (const [key, { reactions }] of found) {
      const words = reactions.map(reaction => {
        const users = reaction.users.nodes.map(user => user.id);
        return [reaction.emoji, new Map(reactors(reaction, users, me).map(user => [user, true]))] as const;
      });
      all.set(key, new Map(words));
    }
  }
  return all;
}

/** One page of a thread. */
export interface ThreadPage {
  /** The message that begins it, with the first page, and replies. */
  entries: MessageEntry[];
  people: Person[];
  /** Where older replies go on; null where there are none. */
  before: string | null;
}

const REPLIES = 50;
const IN_THREAD = `id seq sentAt kind text recalledAt editedAt pinned also thread replyCount
  sender { ${PERSON} } replyTo { id } mentions { id } attachment { id } reactions { emoji }`;
const THREAD = `query Thread($id: ID!, $root: ID!, $before: String) {
  conversation(id: $id) { thread(root: $root) {
    root { ${IN_THREAD} }
    replies(last: ${REPLIES}, before: $before) { nodes { ${IN_THREAD} } pageInfo { hasPreviousPage startCursor } }
  } }
}`;

interface MessageNode {
  id: string;
  seq: number;
  sentAt: string;
  kind: string;
  text: string | null;
  recalledAt: string | null;
  editedAt: string | null;
  pinned: boolean;
  also: boolean;
  thread: string | null;
  replyCount: number;
  sender: Person;
  replyTo: { id: string } | null;
  mentions: { id: string }[];
  attachment: { id: string } | null;
  reactions: { emoji: string }[];
}

/** The thread below a message, from the newest replies on, or those before some. */
export async function findThread(
  ask: Ask,
  me: string,
  id: string,
  root: string,
  before: string | null,
): Promise<ThreadPage> {
  const answer = await ask<{
    conversation: {
      thread: {
        root: MessageNode;
        replies: {
          nodes: MessageNode[];
          pageInfo: { hasPreviousPage: boolean; startCursor: string | null };
        };
      } | null;
    } | null;
  }>(THREAD, { id, root, before });
  const thread = answer.conversation?.thread;
  if (!thread) throw new Problem('not_found', 'There is no such thread.');
  const { nodes, pageInfo } = thread.replies;
  const all = [thread.root, ...nodes];
  const reacted = all.filter(({ reactions }) => reactions.length > 0);
  const reactions = await findReactions(
    ask,
    me,
    reacted.map(({ id: message }) => ({ key: message, conversation: id, message })),
  );
  return {
    entries: all.map(node => entryOf(node, reactions.get(node.id))),
    people: all.map(({ sender }) => sender),
    before: pageInfo.hasPreviousPage ? pageInfo.startCursor : null,
  };
}

/** What events would have made of a message. */
function entryOf(node: MessageNode, reactions: Amendment['reactions']): MessageEntry {
  const { id, seq, sentAt: at, sender, also, thread, replyTo, mentions, editedAt, pinned, replyCount } = node;
  const bare: MessageEntry = {
    kind: 'message',
    id,
    seq,
    at,
    sender: sender.id,
    content: node.recalledAt === null ? contentOf(node) : null,
    replyTo: replyTo?.id ?? null,
    mentions: mentions.map(user => user.id),
    thread,
    also,
    replies: new Set(),
    counted: replyCount,
    editedAt,
    reactions: new Map(),
    pinned,
  };
  return reactions ? (amended(bare, { reactions }) as MessageEntry) : bare;
}

function contentOf({ kind, text, attachment }: MessageNode): Content {
  if (kind === 'TEXT') return { kind: 'text', text: text ?? '' };
  const file = { kind: kind === 'IMAGE' ? 'image' : 'file', attachment: attachment?.id ?? '' } as const;
  return text === null ? file : { ...file, caption: text };
}

/** A thread in a list. */
export interface ThreadSummary {
  /** The id and text of the message that begins it, and the display name of who wrote that. */
  root: string;
  text: string;
  sender: string;
  replies: number;
  /** When the last reply came. */
  at: string;
}

const THREADS = `query Threads($id: ID!) {
  conversation(id: $id) { threads(first: 50) { nodes {
    replyCount lastReplyAt root { id kind text recalledAt sentAt sender { displayName } }
  } } }
}`;

/** The threads of a conversation, the one with the newest reply first. */
export async function findThreads(ask: Ask, id: string): Promise<ThreadSummary[]> {
  const answer = await ask<{
    conversation: {
      threads: {
        nodes: {
          replyCount: number;
          lastReplyAt: string | null;
          root: Pick<MessageNode, 'id' | 'kind' | 'text' | 'recalledAt' | 'sentAt' | 'sender'>;
        }[];
      };
    } | null;
  }>(THREADS, { id });
  const nodes = answer.conversation?.threads.nodes ?? [];
  return nodes.map(({ root, replyCount, lastReplyAt }) => ({
    root: root.id,
    text: root.recalledAt === null ? line(root) : contentText(null),
    sender: root.sender.displayName,
    replies: replyCount,
    at: lastReplyAt ?? root.sentAt,
  }));
}

/** Those who reacted. Some have no name here: there are more than are ever named. */
function reactors({ count, viewerReacted }: Reaction, users: readonly string[], me: string): string[] {
  const all = new Set(viewerReacted ? [me, ...users] : users);
  for (let i = all.size; i < count; i++) all.add(`another ${i}`);
  return [...all];
}

function* parts<T>(all: readonly T[], most: number): Generator<readonly T[]> {
  for (let first = 0; first < all.length; first += most) yield all.slice(first, first + most);
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

/** Something that was searched for. */
export interface Hit {
  id: string;
  seq: number;
  at: string;
  sender: Person;
  conversation: string;
  /** The message that begins the thread in which alone it stands. */
  thread: string | null;
  /** The text around what was found, or what stands for it where there is none. */
  snippet: readonly { text: string; isMatch: boolean }[];
}

export interface Hits {
  hits: Hit[];
  /** Words and filters that nothing was made of. */
  ignored: string[];
  /** Not everything was looked at that belongs here; looking goes on behind `next`. */
  complete: boolean;
  next: string | null;
}

const HITS = 20;
const SEARCH = `query Search($query: String!, $conversation: ID, $order: SearchOrder!, $after: String) {
  search(query: $query, conversation: $conversation, order: $order, first: ${HITS}, after: $after) {
    complete ignored pageInfo { hasNextPage endCursor }
    edges { snippet { text isMatch } node { id seq sentAt kind text recalledAt thread also sender { ${PERSON} } conversation { id } } }
  }
}`;

export interface Sought {
  query: string;
  /** The only conversation to look in. */
  conversation: string | null;
  order: 'NEWEST' | 'BEST';
}

/** One page of what was found. */
export async function search(ask: Ask, sought: Sought, after: string | null): Promise<Hits> {
  const answer = await ask<{
    search: {
      complete: boolean;
      ignored: string[];
      pageInfo: { hasNextPage: boolean; endCursor: string | null };
      edges: {
        snippet: { text: string; isMatch: boolean }[];
        node: {
          id: string;
          seq: number;
          sentAt: string;
          kind: string;
          text: string | null;
          recalledAt: string | null;
          thread: string | null;
          also: boolean;
          sender: Person;
          conversation: { id: string } | null;
        };
      }[];
    };
  }>(SEARCH, { ...sought, after });
  const { edges, complete, ignored, pageInfo } = answer.search;
  const hits = edges.flatMap(({ snippet, node }) => {
    // The read model of words lags: what is not there any more is not shown.
    if (!node.conversation || node.recalledAt !== null) return [];
    const pieces = snippet.length > 0 ? snippet : [{ text: line(node), isMatch: false }];
    const { id, seq, sentAt: at, sender } = node;
    const thread = isInMain(node) ? null : node.thread;
    return [{ id, seq, at, sender, conversation: node.conversation.id, thread, snippet: pieces }];
  });
  const goesOn = pageInfo.hasNextPage || (!complete && sought.order === 'NEWEST');
  return { hits, ignored, complete, next: goesOn ? pageInfo.endCursor : null };
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
    mentioned: node.mentionCount,
    marks: {
      muted: node.muted,
      until: node.mutedUntil,
      archived: node.archived,
      unread: node.markedUnread,
    },
    readSeq: node.lastReadSeq,
    preview: lastMessage && {
      seq: lastMessage.seq,
      sender: lastMessage.sender.id,
      recalled: lastMessage.recalledAt !== null,
      text: lastMessage.recalledAt ? contentText(null) : line(lastMessage),
    },
  };
}
