// The part of a conversation's events that is on this page: a window without holes, folded into what is shown.
import type { TidingsEvent } from '../protocol/frames.ts';
import { fold } from './events.ts';
import { amended, together, type Amendment, type Entry } from './fold.ts';

export interface Log {
  /** The first event of the window, from 1. */
  from: number;
  /** The last one; `from - 1` while the window is empty. */
  to: number;
  entries: readonly Entry[];
  /** What became of messages by the window's events: also of messages that are older than the window. */
  amended: ReadonlyMap<string, Amendment>;
  /** There is more behind the window, which was let go of: what comes live does not follow on it. */
  cut?: boolean;
  /** What became of its messages behind the window is not known from events: it is asked for with each page. */
  loose?: boolean;
  /** What became of messages by what was heard while it is loose: that is newer than answers, for read models lag. */
  heard?: ReadonlyMap<string, Amendment>;
}

/** A window with nothing in it, behind `seq`. */
export const emptyLog = (seq: number): Log => ({ from: seq + 1, to: seq, entries: [], amended: new Map() });

/** Folds events that follow the window. They must be in order and without holes. */
export function append(log: Log, events: readonly TidingsEvent[]): Log {
  const later = folded(events, log.to + 1);
  const touched = log.entries.some(entry => entry.kind === 'message' && later.amended.has(entry.id));
  const entries = touched ? amendAll(log.entries, later.amended) : log.entries;
  return {
    ...log,
    to: later.to,
    entries: later.entries.length > 0 ? [...entries, ...later.entries] : entries,
    amended: merged(log.amended, later.amended),
  };
}

/** What became of messages, as far as it is known otherwise than by events. */
export type Later = Log['amended'];

/** Takes in what became of messages of the window, and nothing else: what stands between is not known. */
export function touch(log: Log, later: Later): Log {
  if (later.size === 0) return log;
  const entries = log.entries.some(entry => entry.kind === 'message' && later.has(entry.id));
  return {
    ...log,
    entries: entries ? amendAll(log.entries, later) : log.entries,
    amended: merged(log.amended, later),
  };
}

/** Takes in what is heard of messages behind a window whose end was let go of. */
export const hear = (log: Log, later: Later): Log => ({
  ...touch(log, later),
  ...(log.loose && { heard: merged(heardOf(log), later) }),
});

/** What became of messages as far as events tell to this day. */
export const heardOf = (log: Log | null): Later =>
  (log?.loose ? log.heard : log?.amended) ?? new Map<string, Amendment>();

/** What events say of messages before them. */
export const amendments = (events: readonly TidingsEvent[]): Later => folded(events, 1).amended;

/** Folds the events from `from` on that come before the window. */
export function prepend(log: Log, from: number, events: readonly TidingsEvent[]): Log {
  const older = events.filter(event => event.seq >= from && event.seq < log.from);
  const earlier = folded(older, from);
  return {
    ...log,
    from,
    entries: [...amendAll(earlier.entries, log.amended), ...log.entries],
    amended: merged(earlier.amended, log.amended),
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

function folded(events: readonly TidingsEvent[], from: number): Log {
  const into = { entries: [] as Entry[], amended: new Map<string, Amendment>() };
  for (const event of events) fold(into, event);
  return {
    from,
    to: events.at(-1)?.seq ?? from - 1,
    entries: amendAll(into.entries, into.amended),
    amended: into.amended,
  };
}

const amendAll = (entries: readonly Entry[], by: Log['amended']): Entry[] =>
  entries.map(entry => (entry.kind === 'message' ? amended(entry, by.get(entry.id)) : entry));

function merged(before: Log['amended'], after: Log['amended']): Log['amended'] {
  if (after.size === 0) return before;
  const both = new Map(before);
  for (const [id, amendment] of after) both.set(id, together(both.get(id), amendment));
  return both;
}
