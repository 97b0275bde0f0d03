// Messages on the chat page: sent, edited, recalled.
import type { Content } from '../../protocol/frames.ts';
import { amend, isInMain, isLater, type Amendment, type MessageEntry } from '../fold.ts';
import type { Quote } from '../queries/message.ts';
import type { Conversation, Limits } from '../store.ts';
import { spoken } from './mark.ts';
import type { Noun } from './noun.ts';
import { may, type Viewer } from './permission.ts';

export const message: Noun<'message.sent' | 'message.edited' | 'message.recalled'> = {
  'message.sent': {
    summarize(conversation, { seq, at, actor, data }, me) {
      const { content, withheld = false } = data;
      // What stands in a thread alone is read there.
      if (!isInMain(data)) {
        if (actor !== me && mentionsOne(data, me)) conversation.mentioned += 1;
        return;
      }
      const text = messageText(data);
      conversation.preview = { seq, sender: actor, text, recalled: content === null && !withheld };
      conversation.typing = new Map([...conversation.typing].filter(([user]) => user !== actor));
      // Sending reads everything before.
      conversation.unread = actor === me ? 0 : conversation.unread + 1;
      conversation.mentioned = actor === me ? 0 : conversation.mentioned + (mentionsOne(data, me) ? 1 : 0);
      conversation.marks = spoken(conversation.marks, actor === me, mentionsOne(data, me), at);
      if (actor !== me) return;
      conversation.readSeq = seq;
      conversation.voided = new Set();
    },
    fold(into, { seq, at, actor, data }) {
      const {
        message: id,
        content,
        withheld = false,
        reply_to: replyTo = null,
        mentions = [],
        thread = null,
        also = false,
      } = data;
      const { everyone = false, forwarded = null } = data;
      const reactions = new Map<string, string[]>();
      const later = { editedAt: null, reactions, pinned: false, replies: new Set<string>(), counted: 0 };
      const addressed = { replyTo, mentions, everyone, forwarded, thread, also };
      const kept = withheld ? { said: null } : null;
      const entry = { id, seq, sender: actor, at, content, withheld: kept, ...addressed };
      into.entries.push({ kind: 'message', ...entry, ...later });
      if (thread !== null && (content || withheld)) amend(into, thread, { replies: new Set([id]) });
    },
  },
  'message.edited': {
    summarize(conversation, { data: { message_seq: seq, content } }) {
      const { preview } = conversation;
      if (preview?.seq !== seq || preview.recalled || !content) return;
      conversation.preview = { ...preview, text: contentText(content) };
    },
    fold(into, { at, data: { message: id, content } }) {
      // Without content it has been recalled since or is withheld, which comes as an event of its own.
      if (content) amend(into, id, { edit: { content, at } });
    },
  },
  'message.recalled': {
    summarize(conversation, { data: { message: id, message_seq: seq } }) {
      const { preview } = conversation;
      if (preview?.seq === seq) {
        conversation.preview = { ...preview, text: contentText(null), recalled: true };
      }
      voids(conversation, id, seq);
    },
    fold: (into, { data }) => amend(into, data.message, { recalled: true }),
  },
};

/** A message counts no more, which an event says that may come twice. */
export function voids(conversation: Conversation, id: string, seq: number): void {
  const { log, voided } = conversation;
  // One's own are read.
  if (seq <= conversation.readSeq || voided.has(id)) return;
  const gone = log?.entries.find(entry => entry.kind === 'message' && entry.id === id);
  if (gone?.kind === 'message' && !isInMain(gone)) return;
  // Whether a message that is not loaded stood in a thread, its event does not say.
  if (!gone && conversation.kind === 'group') conversation.partial = true;
  conversation.unread = Math.max(0, conversation.unread - 1);
  conversation.voided = new Set(voided).add(id);
  // Whether it was one that mentioned the viewer, its event does not say.
  if (conversation.mentioned > 0) conversation.partial = true;
}

/** Whether a message mentions somebody else than its sender, by name or with all others. */
export const mentionsOne = (
  { mentions = [], everyone = false }: { mentions?: readonly string[]; everyone?: boolean },
  user: string,
): boolean => everyone || mentions.includes(user);

/** What a message says in one line of text. */
export function contentText(content: { kind: string; text?: string; caption?: string } | null): string {
  if (!content) return 'Message recalled';
  if (content.kind === 'text') return content.text ?? '';
  return content.caption || (content.kind === 'image' ? 'Image' : 'File');
}

/** What stands in the place of what a message says that is withheld. */
export const WITHHELD = 'Withheld while moderators look at it.';

/** What a message is shown to say in one line of text. */
export const messageText = ({
  content,
  withheld,
}: {
  content: Content | null;
  withheld?: unknown;
}): string => (withheld ? WITHHELD : contentText(content));

/** What is said of a message where it is answered, with what events told of it since, or before the answer knew. */
export function quoted<T extends Pick<Quote, 'text' | 'editedAt' | 'recalled' | 'withheld'>>(
  quote: T,
  { recalled = false, withheld = quote.withheld, edit }: Amendment = {},
): T {
  if (recalled || quote.recalled) return { ...quote, text: contentText(null), recalled: true };
  if (withheld) return { ...quote, text: WITHHELD };
  if (!edit || !isLater(edit.at, quote.editedAt)) return quote;
  return { ...quote, text: contentText(edit.content), editedAt: edit.at };
}

/** The part of a content that can be edited. */
export const editable = (content: Content): string =>
  content.kind === 'text' ? content.text : (content.caption ?? '');

/** The same content with another text, or another caption. */
export function withText(content: Content, text: string): Content {
  if (content.kind === 'text') return { kind: 'text', text };
  const { kind, attachment } = content;
  return text === '' ? { kind, attachment } : { kind, attachment, caption: text };
}

/** Whether the server would let somebody edit a message now, as far as this page can tell. */
export const mayEdit = (
  entry: MessageEntry,
  conversation: Conversation,
  viewer: Viewer,
  limits: Limits,
  now: number,
): boolean =>
  may('edit', conversation, viewer) &&
  entry.content !== null &&
  entry.sender === viewer.me &&
  // What somebody else said first stays as it was said.
  entry.forwarded === null &&
  (within(limits.editWindowS, entry.at, now) ||
    // Where nobody edits, owners do not either.
    (limits.editWindowS !== 0 &&
      conversation.kind === 'group' &&
      conversation.roles.get(viewer.me) === 'owner'));

/** The same for taking it back: its author for a while, and in groups those of a higher rank. */
export function mayRecall(
  entry: MessageEntry,
  conversation: Conversation,
  me: string,
  limits: Limits,
  now: number,
): boolean {
  if (!conversation.joined || entry.content === null) return false;
  if (entry.sender === me && within(limits.recallWindowS, entry.at, now)) return true;
  const rank = (user: string): string => conversation.roles.get(user) ?? 'member';
  if (conversation.kind === 'direct') return false;
  if (rank(me) === 'owner') return true;
  return rank(me) === 'admin' && (entry.sender === me || rank(entry.sender) === 'member');
}

/** `window` in seconds; 0 is never, -1 for ever. */
const within = (window: number, at: string, now: number): boolean =>
  window < 0 || now - Date.parse(at) < window * 1_000;
