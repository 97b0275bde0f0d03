// The part of a conversation's events that is on this page: a window without holes, folded into what is shown.
import type { Content, TidingsEvent } from '../protocol/frames.ts';

export interface MessageEntry {
  kind: 'message';
  id: string;
  seq: number;
  sender: string;
  at: string;
  /** `null` once it is recalled. */
  content: Content | null;
  edited: boolean;
}

/** Something that happened beside messages. */
export interface HappeningEntry {
  kind: 'happening';
  seq: number;
  at: string;
  event: TidingsEvent;
}

export type Entry = MessageEntry | HappeningEntry;

export interface Log {
  /** The first event of the window, from 1. */
  from: number;
  /** The last one; `from - 1` while the window is empty. */
  to: number;
  entries: readonly Entry[];
  /** What became of messages by the window's events: also of messages that are older than the window. */
  amended: ReadonlyMap<string, { content: Content | null }>;
  /** There is more behind the window, which was let go of: what comes live does not follow on it. */
  cut?: boolean;
}

/** A window with nothing in it, behind `seq`. */
export const emptyLog = (seq: number): Log => ({ from: seq + 1, to: seq, entries: [], amended: new Map() });

/** Folds events that follow the window. They must be in order and without holes. */
export function append(log: Log, events: readonly TidingsEvent[]): Log {
  const later = fold(events, log.to + 1);
  const touched = log.entries.some(entry => entry.kind === 'message' && later.amended.has(entry.id));
  const entries = touched ? log.entries.map(entry => amend(entry, later.amended)) : log.entries;
  return {
    ...log,
    to: later.to,
    entries: later.entries.length > 0 ? [...entries, ...later.entries] : entries,
    amended: later.amended.size > 0 ? new Map([...log.amended, ...later.amended]) : log.amended,
  };
}

/** Folds the events from `from` on that come before the window. */
export function prepend(log: Log, from: number, events: readonly TidingsEvent[]): Log {
  const older = events.filter(event => event.seq >= from && event.seq < log.from);
  const earlier = fold(older, from);
  return {
    ...log,
    from,
    entries: [...earlier.entries.map(entry => amend(entry, log.amended)), ...log.entries],
    amended: new Map([...earlier.amended, ...log.amended]),
  };
}

/** The newest `most` entries of a window; those before are loaded again when somebody looks for them. */
export function trim(log: Log, most: number): Log {
  const first = log.entries[log.entries.length - most];
  if (!first || log.entries.length <= most) return log;
  return { ...log, from: first.seq, entries: log.entries.slice(-most) };
}

/** The oldest `most` entries of a window; those behind are loaded again when somebody comes back to them. */
export function cut(log: Log, most: number): Log {
  const first = log.entries[most];
  return first ? { ...log, to: first.seq - 1, entries: log.entries.slice(0, most), cut: true } : log;
}

function fold(events: readonly TidingsEvent[], from: number): Log {
  const amended = new Map<string, { content: Content | null }>();
  const entries: Entry[] = [];
  for (const event of events) {
    const { seq, at } = event;
    switch (event.kind) {
      case 'message.sent': {
        const { message: id, content } = event.data;
        entries.push({ kind: 'message', id, seq, sender: event.actor, at, content, edited: false });
        break;
      }
      case 'message.edited':
        // Without content it has been recalled since, which comes as an event of its own.
        if (event.data.content) amended.set(event.data.message, { content: event.data.content });
        break;
      case 'message.recalled':
        amended.set(event.data.message, { content: null });
        break;
      case 'direct.opened':
      case 'group.created':
      case 'group.renamed':
      case 'member.added':
      case 'member.removed':
      case 'member.left':
      case 'role.changed':
        entries.push({ kind: 'happening', seq, at, event });
        break;
      default:
        break;
    }
  }
  return {
    from,
    to: events.at(-1)?.seq ?? from - 1,
    entries: entries.map(entry => amend(entry, amended)),
    amended,
  };
}

function amend(entry: Entry, amended: Log['amended']): Entry {
  const change = entry.kind === 'message' ? amended.get(entry.id) : undefined;
  return change
    ? { ...(entry as MessageEntry), content: change.content, edited: change.content !== null }
    : entry;
}
