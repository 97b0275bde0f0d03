// Threads, and what stands in them.
import type { Content } from '../../protocol/frames.ts';
import { Problem } from '../../shared/api.ts';
import { amended, type Amendment, type MessageEntry } from '../fold.ts';
import { UNSEEN_ROOT } from '../nouns/thread.ts';
import type { Person } from '../store.ts';
import { line, PERSON, type Ask } from './ask.ts';
import { findReactions } from './later.ts';

/** One page of a thread. */
export interface ThreadPage {
  /** The message that begins it, where the viewer sees that, and replies. */
  entries: MessageEntry[];
  people: Person[];
  /** Where older replies go on; null where there are none. */
  before: string | null;
  following: boolean;
}

const REPLIES = 50;
const IN_THREAD = `id seq sentAt kind text recalledAt withheld editedAt pinned also thread replyCount
  sender { ${PERSON} } replyTo { id } mentions { id } everyone
  forwarded { sender { id } sentAt } attachment { id } reactions { emoji }`;
const THREAD = `query Thread($id: ID!, $root: ID!, $before: String) {
  conversation(id: $id) { thread(root: $root) { following
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
  withheld: boolean;
  editedAt: string | null;
  pinned: boolean;
  also: boolean;
  thread: string | null;
  replyCount: number;
  sender: Person;
  replyTo: { id: string } | null;
  mentions: { id: string }[];
  everyone: boolean;
  forwarded: { sender: { id: string }; sentAt: string } | null;
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
        following: boolean;
        root: MessageNode | null;
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
  const all = thread.root ? [thread.root, ...nodes] : nodes;
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
    following: thread.following,
  };
}

/** What events would have made of a message. */
function entryOf(node: MessageNode, reactions: Amendment['reactions']): MessageEntry {
  const { id, seq, sentAt: at, sender, also, thread, replyTo, mentions, editedAt, pinned, replyCount } = node;
  const { everyone, forwarded } = node;
  const bare: MessageEntry = {
    kind: 'message',
    id,
    seq,
    at,
    sender: sender.id,
    content: node.recalledAt === null && !node.withheld ? contentOf(node) : null,
    withheld: node.withheld ? { said: null } : null,
    replyTo: replyTo?.id ?? null,
    mentions: mentions.map(user => user.id),
    everyone,
    forwarded: forwarded && { sender: forwarded.sender.id, at: forwarded.sentAt },
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
  /** The id and text of the message that begins it, and the display name of who wrote that; null where the viewer does not see it. */
  root: string;
  text: string;
  sender: string | null;
  replies: number;
  /** How many of them the viewer has not read, and whether they want to be told. */
  unread: number;
  following: boolean;
  /** When the last reply came. */
  at: string;
}

const THREADS = `query Threads($id: ID!) {
  conversation(id: $id) { threads(first: 50) { nodes {
    id replyCount lastReplyAt unreadCount following root { kind text recalledAt withheld sender { displayName } }
  } } }
}`;

/** The threads of a conversation, the one with the newest reply first. */
export async function findThreads(ask: Ask, id: string): Promise<ThreadSummary[]> {
  const answer = await ask<{
    conversation: {
      threads: {
        nodes: {
          id: string;
          replyCount: number;
          /** Those that are listed have replies. */
          lastReplyAt: string;
          unreadCount: number;
          following: boolean;
          root: Pick<MessageNode, 'kind' | 'text' | 'recalledAt' | 'withheld' | 'sender'> | null;
        }[];
      };
    } | null;
  }>(THREADS, { id });
  const nodes = answer.conversation?.threads.nodes ?? [];
  return nodes.map(({ id: begins, root, replyCount, lastReplyAt, unreadCount: unread, following }) => ({
    root: begins,
    text: root ? line(root) : UNSEEN_ROOT,
    sender: root && root.sender.displayName,
    replies: replyCount,
    unread,
    following,
    at: lastReplyAt,
  }));
}
