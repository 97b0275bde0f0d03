// Threads on the chat page: what hangs below a message of a group.
import type { Notice, TidingsEvent } from '../../protocol/frames.ts';
import { amended, type Entry, type MessageEntry } from '../fold.ts';
import { append, emptyLog, type Log } from '../log.ts';
import { isHidden, NOTHING_HIDDEN, type Hidden } from './hidden.ts';
import type { Settings } from './settings.ts';

/** What stands in the place of a message that begins a thread and that the viewer does not see. */
export const UNSEEN_ROOT = 'A message that you have hidden, or from before you came';

/** A thread that is shown. */
export interface Thread {
  /** The id of the message that begins it. */
  root: string;
  /** That message, where the viewer sees it, and the replies that are loaded, in their order. */
  entries: readonly MessageEntry[];
  /** Whether a page has come; the message that begins it comes with each. */
  loaded: boolean;
  /** Where older replies go on; null where there are none. */
  before: string | null;
  state: 'loading' | 'failed' | 'idle';
  /** Whether the viewer wants to be told of replies; null until it is known. */
  following: boolean | null;
}

/** One that is being opened, with what is loaded of it: read models may not know all of that yet. */
export const emptyThread = (root: string, log: Log | null = null): Thread => ({
  root,
  entries: (log && !log.loose ? log.entries : []).filter(
    (entry): entry is MessageEntry =>
      entry.kind === 'message' &&
      (entry.id === root || entry.thread === root) &&
      !isHidden(entry, log!, NOTHING_HIDDEN, 1),
  ),
  loaded: false,
  before: null,
  state: 'loading',
  following: null,
});

/** Whether the viewer does not see the message that begins it: they have hidden it or came behind it. `shown` is what they see. */
export const isRootUnseen = (
  { root, loaded }: Pick<Thread, 'root' | 'loaded'>,
  shown: readonly MessageEntry[],
): boolean => loaded && !shown.some(({ id }) => id === root);

/**
 * Whether the message that begins it is known to be from before `me` came, in a conversation that begins for them at `first`: their coming
 * is loaded, and the message does not stand behind it. Nothing is taken below it then. Below what they have hidden or cleared, everything
 * is. In doubt the server decides.
 */
export function beganBefore(
  { root, loaded, entries }: Pick<Thread, 'root' | 'loaded' | 'entries'>,
  { log, settings }: { log: Log | null; settings: Settings | null },
  { messages }: Hidden,
  first: number,
  me: string,
): boolean {
  if (!loaded || first > 1 || settings?.history !== 'joined' || messages.has(root)) return false;
  const isRoot = (entry: Entry): boolean => entry.kind === 'message' && entry.id === root;
  const isComing = (entry: Entry): boolean =>
    entry.kind === 'happening' && entry.event.kind === 'member.added' && entry.event.data.user === me;
  return log !== null && log.entries.some(isComing) && ![...entries, ...log.entries].some(isRoot);
}

/** How many replies that the viewer sees hang below a message, as far as it is known, in a conversation that begins for them at `first`. */
export const replyCount = (entry: MessageEntry, log: Log | null, hidden: Hidden, first: number): number =>
  Math.max(repliesThere(entry, log, hidden, first), entry.counted);

/** How many of them events have told of. */
export function repliesThere(
  { seq, replies }: MessageEntry,
  log: Log | null,
  { messages }: Hidden,
  first: number,
): number {
  const there = [...replies].filter(id => {
    const { recalled = false, withheld = false } = log?.amended.get(id) ?? {};
    return !recalled && !withheld && !messages.has(id);
  });
  // Replies stand behind their message: where that is not cleared, none of them is.
  if (seq >= first || !log) return there.length;
  const cleared = new Set(
    log.entries.map(entry => entry.kind === 'message' && entry.seq < first && entry.id),
  );
  return there.filter(id => !cleared.has(id)).length;
}

/** Takes in what happened since. */
export function heard(thread: Thread, events: readonly TidingsEvent[]): Thread {
  const { entries, amended: later } = append(emptyLog(0), events);
  const known = new Set(thread.entries.map(({ id }) => id));
  const touched = thread.entries.some(({ id }) => later.has(id));
  const fresh = entries.filter(
    (entry): entry is MessageEntry =>
      entry.kind === 'message' && entry.thread === thread.root && !known.has(entry.id),
  );
  if (!touched && fresh.length === 0) return thread;
  const amend = (entry: Entry): MessageEntry =>
    amended(entry, entry.kind === 'message' ? later.get(entry.id) : undefined) as MessageEntry;
  return { ...thread, entries: inOrder([...thread.entries.map(amend), ...fresh]) };
}

/** The seq of the last reply; 0 where there is none. */
export const lastReply = ({ root, entries }: Pick<Thread, 'root' | 'entries'>): number =>
  entries.findLast(({ thread }) => thread === root)?.seq ?? 0;

/** What a notice says of a thread; nothing where it is about something else. */
export function followed(notice: Notice): { conversation: string; thread: string; on: boolean } | null {
  const { conversation, thread, on } = notice.data as {
    conversation?: unknown;
    thread?: unknown;
    on?: unknown;
  };
  if (notice.kind !== 'thread.followed' || typeof conversation !== 'string' || typeof thread !== 'string')
    return null;
  return { conversation, thread, on: on === true };
}

/** Takes in a page of replies; what has been heard of live stays. */
export function joined(thread: Thread, page: readonly MessageEntry[], before: string | null): Thread {
  const heardOf = new Set(thread.entries.map(({ id }) => id));
  const older = page.filter(({ id }) => !heardOf.has(id));
  return { ...thread, entries: inOrder([...older, ...thread.entries]), loaded: true, before, state: 'idle' };
}

const inOrder = (entries: readonly MessageEntry[]): MessageEntry[] =>
  [...entries].sort((a, b) => a.seq - b.seq);
