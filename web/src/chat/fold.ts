// What events of a conversation become on this page: entries, and what later events did to messages.
import type { Content, TidingsEvent } from '../protocol/frames.ts';

export interface MessageEntry {
  kind: 'message';
  id: string;
  seq: number;
  sender: string;
  at: string;
  /** `null` once it is recalled, and while it is withheld. */
  content: Content | null;
  /** Where it is withheld, what it says when it is shown again, as far as that is known. */
  withheld: { said: Said | null } | null;
  /** The message that it answers. */
  replyTo: string | null;
  /** Who is mentioned. */
  mentions: readonly string[];
  /** Whether all are mentioned who were members. */
  everyone: boolean;
  /** Whose words it repeats, and when they were said first. */
  forwarded: { sender: string; at: string } | null;
  /** The message that begins the thread in which it stands, and whether the main timeline shows it all the same. */
  thread: string | null;
  also: boolean;
  /** What is known of the thread below it: ids of replies, and how many the server counted when it was asked. */
  replies: ReadonlySet<string>;
  counted: number;
  /** When it was edited last. */
  editedAt: string | null;
  /** By emoji, who reacted so, in the order in which they did. */
  reactions: ReadonlyMap<string, readonly string[]>;
  pinned: boolean;
}

/** What a message says, and what people made of that: nothing of it is shown once it is recalled, and while it is withheld. */
type Said = Pick<MessageEntry, 'content' | 'mentions' | 'everyone' | 'forwarded' | 'editedAt' | 'reactions'>;

const NOTHING: Said = {
  content: null,
  mentions: [],
  everyone: false,
  forwarded: null,
  editedAt: null,
  reactions: new Map(),
};

/** Whether the main timeline shows a message, and not its thread alone. */
export const isInMain = ({ thread, also }: { thread?: string | null; also?: boolean }): boolean =>
  thread === undefined || thread === null || also === true;

/** Something that happened beside messages. */
export interface HappeningEntry {
  kind: 'happening';
  seq: number;
  at: string;
  event: TidingsEvent;
}

export type Entry = MessageEntry | HappeningEntry;

/** What became of a message by later events. */
export interface Amendment {
  /** It stays so, whatever else comes. */
  recalled?: boolean;
  /** The last word counts. */
  withheld?: boolean;
  edit?: { content: Content; at: string };
  /** By emoji, the last word of each who set it (true) or took it back. */
  reactions?: ReadonlyMap<string, ReadonlyMap<string, boolean>>;
  pinned?: boolean;
  /** Replies in the thread below it that events told of, and as many as the server counted. */
  replies?: ReadonlySet<string>;
  counted?: number;
}

/** A stretch of events that is being folded. */
export interface Fold {
  entries: Entry[];
  amended: Map<string, Amendment>;
}

/** An event that is shown as a line of its own. */
export function happened({ entries }: Fold, event: TidingsEvent): void {
  entries.push({ kind: 'happening', seq: event.seq, at: event.at, event });
}

/** Something became of a message, wherever that is. */
export function amend({ amended }: Fold, message: string, amendment: Amendment): void {
  amended.set(message, together(amended.get(message), amendment));
}

/** Both, one after the other. */
export function together(before: Amendment | undefined, after: Amendment): Amendment {
  if (!before) return after;
  const reactions = new Map(before.reactions);
  for (const [emoji, words] of after.reactions ?? []) {
    reactions.set(emoji, new Map([...(reactions.get(emoji) ?? []), ...words]));
  }
  const edit = later(before.edit, after.edit);
  const replies = new Set([...(before.replies ?? []), ...(after.replies ?? [])]);
  return {
    ...before,
    ...after,
    ...(edit && { edit }),
    ...(reactions.size > 0 ? { reactions } : {}),
    ...(replies.size > 0 && { replies }),
  };
}

/** What is known of a message's edits may not come in their order. */
const later = (one: Amendment['edit'], other: Amendment['edit']): Amendment['edit'] =>
  one && other && !isLater(other.at, one.at) ? one : (other ?? one);

export const isLater = (at: string, before: string | null): boolean =>
  before === null || Date.parse(at) >= Date.parse(before);

/** What stands in an entry after an amendment. */
export function amended(entry: Entry, amendment: Amendment | undefined): Entry {
  if (entry.kind !== 'message' || !amendment) return entry;
  return said(threaded(entry, amendment), amendment);
}

/** Threads go on below a message that was recalled. */
function threaded(entry: MessageEntry, { replies, counted }: Amendment): MessageEntry {
  if (!replies && counted === undefined) return entry;
  return {
    ...entry,
    replies: new Set([...entry.replies, ...(replies ?? [])]),
    counted: Math.max(entry.counted, counted ?? 0),
  };
}

function said(entry: MessageEntry, amendment: Amendment): MessageEntry {
  if (amendment.recalled) return { ...entry, ...NOTHING, withheld: null, pinned: false };
  // It was recalled before, or what it says is not known here.
  if (entry.content === null && !entry.withheld) return entry;
  const { withheld = entry.withheld !== null } = amendment;
  const shown = changed({ ...entry, ...entry.withheld?.said, withheld: null }, amendment);
  if (!withheld) return shown;
  const { content, mentions, everyone, forwarded, editedAt, reactions } = shown;
  const kept = content && { content, mentions, everyone, forwarded, editedAt, reactions };
  return { ...shown, ...NOTHING, withheld: { said: kept } };
}

function changed(entry: MessageEntry, { edit, reactions, pinned }: Amendment): MessageEntry {
  if (entry.content === null) return { ...entry, ...(pinned !== undefined && { pinned }) };
  return {
    ...entry,
    ...(edit && isLater(edit.at, entry.editedAt) && { content: edit.content, editedAt: edit.at }),
    ...(reactions && { reactions: reacted(entry.reactions, reactions) }),
    ...(pinned !== undefined && { pinned }),
  };
}

function reacted(
  before: MessageEntry['reactions'],
  words: NonNullable<Amendment['reactions']>,
): MessageEntry['reactions'] {
  const after = new Map(before);
  for (const [emoji, ofEmoji] of words) {
    const users = new Set(after.get(emoji));
    for (const [user, on] of ofEmoji) {
      if (on) users.add(user);
      else users.delete(user);
    }
    if (users.size > 0) after.set(emoji, [...users]);
    else after.delete(emoji);
  }
  return after;
}
