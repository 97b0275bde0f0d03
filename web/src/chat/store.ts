// The state of the chat page, and how events, answers and what the person does change it. Pure functions only.
import type { Ephemeral, Role, Seen, TidingsEvent, Welcome } from '../protocol/frames.ts';
import type { Link } from '../protocol/socket.ts';
import { pending, type Change } from './change.ts';
import { summarize } from './events.ts';
import { NO_RELATIONS, type Relations } from './nouns/contact.ts';
import { whomWordsName, type Governed } from './nouns/governed.ts';
import { NOTHING_HIDDEN, type Hidden } from './nouns/hidden.ts';
import { UNMARKED, type Marks } from './nouns/mark.ts';
import { mentionsOne } from './nouns/message.ts';
import type { Told } from './nouns/notice.ts';
import type { Settings } from './nouns/settings.ts';
import type { Status } from './nouns/status.ts';
import { heard, type Thread } from './nouns/thread.ts';
import type { Picked } from './nouns/attachment.ts';
import { lacksShown } from './nouns/withholding.ts';
import { amendments, append, cut, emptyLog, hear, heardOf, prepend, touch, trim } from './log.ts';
import type { Later, Log } from './log.ts';

export type { Role };

/** How long somebody counts as typing after they last said so. */
export const TYPING_MS = 6_000;

/** How much of a conversation that is not shown is kept, and of one that is shown at its end. */
const HIDDEN_ENTRIES = 200;
const SHOWN_ENTRIES = 400;
/** How much of one is kept whose reader goes through what is older. */
const READ_ENTRIES = 1_000;
/** So many of those who reacted are named. */
export const NAMED_REACTORS = 20;
/** It is cut only when it is longer by this, and not for every message. */
const SLACK_ENTRIES = 100;

export interface Person {
  id: string;
  username: string;
  displayName: string;
  /** Whether the account is deleted; the id stands for the username then. */
  isDeleted?: boolean;
}

export interface Preview {
  seq: number;
  sender: string;
  text: string;
  recalled?: boolean;
}

/** A message of this page that has not come back as an event yet. */
export interface Outgoing {
  id: string;
  /** Of a file, its caption; it may be empty. */
  text: string;
  file?: Pick<Picked, 'name' | 'look'> & { size: number };
  /** The message that it answers. */
  replyTo?: string;
  mentions?: readonly string[];
  /** The message that begins the thread in which it is to stand. */
  thread?: string;
  also?: boolean;
  everyone?: boolean;
  /** The message whose words it repeats. */
  forward?: { conversation: string; message: string };
  /** How much of the file has gone out, from 0 to 1. */
  progress?: number;
  at: string;
  state: 'uploading' | 'sending' | 'sent' | 'failed';
  /** Why it failed. */
  reason?: string;
  /** Its place, once it is acked. */
  seq?: number;
}

/** What the server allows. */
export interface Limits {
  textBytes: number;
  emojiBytes: number;
  /** In seconds; 0 is never, -1 for ever. */
  editWindowS: number;
  recallWindowS: number;
  /** The largest file. */
  attachmentBytes: number;
  /** What messages are reported for, and whether for something else, too. */
  reportReasons: readonly string[];
  otherReasons: boolean;
}

export interface Conversation {
  id: string;
  kind: 'direct' | 'group';
  title: string | null;
  /** Those known to be members; of a large group not all. */
  members: readonly string[];
  /** Whether those are all, or of the others not even that is known; `first`: there are more than are loaded at most. */
  roster: 'all' | 'first' | 'some' | 'loading' | 'failed';
  /** What members of a group are, as far as it is known. */
  roles: ReadonlyMap<string, Role>;
  /** How a group is set, where that is known. */
  settings: Settings | null;
  /** Whether the viewer is still a member. */
  joined: boolean;
  /** The seq of the last event that the fields of this type include. */
  lastSeq: number;
  lastAt: string;
  unread: number;
  /** How many of them mention the viewer. */
  mentioned: number;
  /** Threads that the viewer follows and has not read. */
  unreadThreads: number;
  /** Up to where the viewer has read it. */
  readSeq: number;
  /** How the viewer has marked it. */
  marks: Marks;
  /** Those of them of which notices have told: read models may lag behind that. */
  told: readonly (keyof Marks)[];
  /** What was unread when the viewer came to it: behind which seq, and how many. */
  fresh: { after: number; count: number } | null;
  /** Unread messages that were recalled, and so no longer count. */
  voided: ReadonlySet<string>;
  preview: Preview | null;
  /** Up to where the others have read it, as far as they were heard. */
  reads: ReadonlyMap<string, number>;
  /** Up to where devices of theirs have it, in direct conversations. */
  delivered: ReadonlyMap<string, number>;
  /** Until when who is typing, in milliseconds. */
  typing: ReadonlyMap<string, number>;
  log: Log | null;
  outbox: readonly Outgoing[];
  changes: readonly Change[];
  /** The message that is being edited. */
  editing: string | null;
  /** The message that is being answered. */
  answering: string | null;
  /** The thread that is shown beside it. */
  thread: Thread | null;
  /** What its owners and admins see to, while that is shown beside it. */
  governed: Governed | null;
  /** The place that somebody wants to see, until it is in view. */
  target: { seq: number } | null;
  /** Not all is known of it; a summary that is recent enough tells the rest. */
  partial: boolean;
  /** Loading what is older than the log; `closed`: the viewer may not see it. */
  history: 'idle' | 'loading' | 'failed' | 'closed';
}

/** A group that this person is invited to, of which they know no more. */
export interface Invitation {
  conversation: string;
  /** What it was called then. */
  name: string;
  by: string;
  until: string;
}

export interface State {
  me: string;
  people: ReadonlyMap<string, Person>;
  conversations: ReadonlyMap<string, Conversation>;
  /** How people are there, as far as the server says. */
  seen: ReadonlyMap<string, Seen>;
  /** How many members of conversations are there. */
  online: ReadonlyMap<string, number>;
  selected: string | null;
  /** Somebody who is shown beside the conversation. */
  person: string | null;
  /** How this person says they are there. */
  status: Status;
  link: Link;
  /** Whether the list of conversations has come. */
  loaded: boolean;
  limits: Limits;
  /** The groups that this person is invited to. */
  invitations: readonly Invitation[];
  /** What this person was told, the newest first, and whether it is known how far they have read it elsewhere. */
  notices: { told: readonly Told[]; known: boolean };
  /** What others are to this person. */
  relations: Relations;
  /** What this person has hidden from themselves. */
  hidden: Hidden;
  /** What a screen reader should say next; the number tells one from an equal one before it. */
  announcement: { text: string; number: number };
}

/** What the list of conversations says of one. */
export type Summary = Pick<
  Conversation,
  | 'id'
  | 'kind'
  | 'title'
  | 'members'
  | 'roles'
  | 'settings'
  | 'lastSeq'
  | 'lastAt'
  | 'unread'
  | 'mentioned'
  | 'unreadThreads'
  | 'readSeq'
  | 'marks'
  | 'preview'
>;

/** As servers usually have them, until this one says, and where it does not. */
const USUAL: Limits = {
  textBytes: 8_192,
  emojiBytes: 64,
  editWindowS: 10_800,
  recallWindowS: 600,
  attachmentBytes: 32 * 2 ** 20,
  reportReasons: ['Spam', 'Insults or harassment', 'Hate', 'Violence or threats'],
  otherReasons: true,
};

export const initialState = (me: string): State => ({
  me,
  people: new Map(),
  conversations: new Map(),
  seen: new Map(),
  online: new Map(),
  selected: null,
  person: null,
  status: 'online',
  link: { kind: 'connecting' },
  loaded: false,
  limits: USUAL,
  invitations: [],
  notices: { told: [], known: false },
  relations: NO_RELATIONS,
  hidden: NOTHING_HIDDEN,
  announcement: { text: '', number: 0 },
});

const set = <K, V>(map: ReadonlyMap<K, V>, key: K, value: V): Map<K, V> => new Map(map).set(key, value);

/** Changes one conversation. */
export function change(
  state: State,
  id: string,
  update: (conversation: Conversation) => Conversation,
): State {
  const before = state.conversations.get(id);
  if (!before) return state;
  const after = update(before);
  return after === before ? state : { ...state, conversations: set(state.conversations, id, after) };
}

const fresh = (summary: Summary): Conversation => ({
  ...summary,
  roster: summary.members.length < SUMMARY_MEMBERS ? 'all' : 'some',
  joined: true,
  told: [],
  reads: new Map(),
  delivered: new Map(),
  typing: new Map(),
  log: null,
  outbox: [],
  changes: [],
  editing: null,
  answering: null,
  fresh: null,
  target: null,
  thread: null,
  governed: null,
  voided: new Set(),
  partial: false,
  history: 'idle',
});

/** Takes in what the server allows, whatever one before it did: settings may be others when it comes back. */
export const withLimits = (state: State, { limits = {} }: Welcome): State => ({
  ...state,
  limits: {
    textBytes: limits.text_bytes ?? USUAL.textBytes,
    emojiBytes: limits.emoji_bytes ?? USUAL.emojiBytes,
    editWindowS: limits.edit_window_s ?? USUAL.editWindowS,
    recallWindowS: limits.recall_window_s ?? USUAL.recallWindowS,
    attachmentBytes: limits.attachment_bytes ?? USUAL.attachmentBytes,
    reportReasons: limits.report_reasons ?? USUAL.reportReasons,
    otherReasons: limits.report_other_reasons ?? USUAL.otherReasons,
  },
});

export function withPeople(state: State, people: readonly Person[]): State {
  const known = new Map(state.people);
  // Where the read models do not know somebody yet, their id stands in for the name: they are asked for by that.
  for (const person of people)
    if (person.username !== person.id || person.isDeleted) known.set(person.id, person);
  return { ...state, people: known };
}

/** Takes in some who are members of a conversation. What is known of roles was heard, and is newer. */
export const withMembers = (
  state: State,
  id: string,
  people: readonly Person[],
  roles: Conversation['roles'] = new Map(),
): State =>
  change(state, id, conversation => {
    const members = new Set([...conversation.members, ...people.map(person => person.id)]);
    return members.size === conversation.members.length
      ? conversation
      : { ...conversation, members: [...members], roles: new Map([...roles, ...conversation.roles]) };
  });

export const withRoster = (state: State, id: string, roster: Conversation['roster']): State =>
  change(state, id, conversation => ({ ...conversation, roster }));

/** The members of a conversation who are known by name, without the viewer. */
export const othersIn = (state: Known, { members }: Conversation): Person[] =>
  members.flatMap(id => (id === state.me ? [] : (state.people.get(id) ?? [])));

/** So many members a summary names at most: enough to name a group by. The others become known when they speak, or are loaded. */
export const SUMMARY_MEMBERS = 40;

/** Who is in a conversation by its summary. Of a large group it names the first alone: what is known of the others stays, as events told it. */
const whoIsIn = (
  known: Conversation,
  { members, roles }: Summary,
): Pick<Conversation, 'members' | 'roles' | 'roster'> =>
  members.length < SUMMARY_MEMBERS
    ? { members, roles, roster: 'all' }
    : {
        roster: known.roster,
        members: [...new Set([...known.members, ...members])],
        roles: new Map([...known.roles, ...roles]),
      };

/** Takes in summaries. Where events have told more already, only what they do not tell is taken. */
export function withSummaries(state: State, summaries: readonly Summary[]): State {
  const conversations = new Map(state.conversations);
  for (const summary of summaries) {
    const known = conversations.get(summary.id);
    if (!known) {
      conversations.set(summary.id, fresh(summary));
    } else if (summary.lastSeq >= known.lastSeq) {
      const told = known.told.map(mark => [mark, known.marks[mark]] as const);
      const marks = { ...summary.marks, ...(Object.fromEntries(told) as Partial<Marks>) };
      const who = whoIsIn(known, summary);
      const merged = { ...known, ...summary, ...who, marks, voided: new Set<string>(), partial: false };
      conversations.set(summary.id, readUpTo(merged, Math.max(known.readSeq, summary.readSeq), state.me));
    } else if (known.partial) {
      const { kind, title, settings } = summary;
      conversations.set(summary.id, { ...known, kind, title, settings, ...whoIsIn(known, summary) });
    }
  }
  return { ...state, conversations };
}

/** Something changed in a conversation of which events do not tell: a summary will. */
export const withPartial = (state: State, id: string): State =>
  change(state, id, conversation => ({ ...conversation, partial: conversation.joined }));

/** A conversation that the server does not show: the viewer is no member, or no longer. */
export const withoutSummary = (state: State, id: string): State =>
  change(state, id, conversation => ({ ...conversation, joined: false, partial: false }));

/** The log of a conversation went back to `head`: what was known behind it is no longer so. */
export const withRewound = (state: State, id: string, head: number): State =>
  change(state, id, conversation => ({
    ...conversation,
    lastSeq: Math.min(head, conversation.lastSeq),
    readSeq: Math.min(head, conversation.readSeq),
    unread: 0,
    mentioned: 0,
    preview: null,
    voided: new Set(),
    reads: new Map(),
    delivered: new Map(),
    log: null,
    changes: [],
    history: 'idle',
    partial: true,
    roster: 'some',
    told: [],
  }));

/** Lets go of the oldest of what is loaded, where there is much of it and nobody looks at it. */
export function trimmed(state: State, atEnd: boolean): State {
  let next = state;
  for (const { id, log, history } of state.conversations.values()) {
    const shown = id === state.selected;
    const most = shown ? SHOWN_ENTRIES : HIDDEN_ENTRIES;
    // Whoever comes back to it begins with the newest.
    if (log?.cut && !shown && history !== 'loading') next = withoutLog(next, id);
    if (
      !log ||
      log.cut ||
      (shown && !atEnd) ||
      history === 'loading' ||
      log.entries.length <= most + SLACK_ENTRIES
    )
      continue;
    next = change(next, id, conversation => ({ ...conversation, log: trim(log, most) }));
  }
  return next;
}

/** Lets go of the newest of what is loaded, where there is much of it and somebody goes on to what is older. */
export const withoutNewest = (state: State, id: string): State =>
  change(state, id, conversation => {
    const { log } = conversation;
    if (!log || log.entries.length <= READ_ENTRIES + SLACK_ENTRIES) return conversation;
    return { ...conversation, log: cut(log, READ_ENTRIES) };
  });

/** Lets go of the oldest of what is loaded, where there is much of it and somebody comes back to what is newer. */
export const withoutOldest = (state: State, id: string): State =>
  change(state, id, conversation => {
    const { log } = conversation;
    if (!log || log.entries.length <= READ_ENTRIES + SLACK_ENTRIES) return conversation;
    return { ...conversation, log: trim(log, READ_ENTRIES) };
  });

/** Takes in events that follow on a window whose end was let go of. */
export const withNewer = (
  state: State,
  id: string,
  events: readonly TidingsEvent[],
  later: Later = new Map(),
): State =>
  change(state, id, conversation => {
    const { log } = conversation;
    const following = events.filter(event => event.seq > (log?.to ?? 0));
    // Another window may have taken the place of the one that they were asked for.
    if (!log?.cut || following[0]?.seq !== log.to + 1) return conversation;
    const longer = touch(touch(append(log, following), later), heardOf(log));
    return { ...conversation, log: ended(longer, conversation.lastSeq) };
  });

/** Shows another part of a conversation: all events from `from` on, with what became of messages behind the last one. */
export const withWindow = (
  state: State,
  id: string,
  from: number,
  events: readonly TidingsEvent[],
  later: Later,
): State =>
  change(state, id, conversation => {
    const heard = heardOf(conversation.log);
    const log = touch(touch(append(emptyLog(from - 1), events), later), heard);
    return { ...conversation, log: ended({ ...log, loose: true, heard }, conversation.lastSeq) };
  });

/** A window that has come to the end of what is known is followed by what comes live. */
const ended = (log: Log, lastSeq: number): Log =>
  log.to < lastSeq ? { ...log, cut: true } : { ...log, cut: false, loose: false };

/** Goes to a place in a conversation, as soon as it is loaded. */
export const withTarget = (state: State, id: string, seq: number): State =>
  change(state, id, conversation => ({
    ...conversation,
    target: { seq },
  }));

export const withoutTarget = (state: State, id: string): State =>
  change(state, id, conversation => ({ ...conversation, target: null }));

/** Where a conversation begins for this person: what they have cleared is behind them. */
export const firstSeq = ({ hidden }: Pick<State, 'hidden'>, id: string): number =>
  (hidden.cleared.get(id) ?? 0) + 1;

/** Whether a place is loaded. */
export const covers = (log: Log | null, seq: number): boolean =>
  log !== null && log.from <= seq && seq <= log.to;

/** Lets go of everything that is loaded of a conversation: it is loaded anew, from the newest on. */
export const withoutLog = (state: State, id: string): State =>
  change(state, id, conversation => ({ ...conversation, log: null }));

/** Says something to a screen reader. */
export const withAnnouncement = (state: State, text: string): State => ({
  ...state,
  announcement: { text, number: state.announcement.number + 1 },
});

/** Takes in events in the order of the socket. */
export function withEvents(state: State, events: readonly TidingsEvent[]): State {
  const byConversation = new Map<string, TidingsEvent[]>();
  for (const event of events) {
    const others = byConversation.get(event.conversation);
    if (others) others.push(event);
    else byConversation.set(event.conversation, [event]);
  }
  const conversations = new Map(state.conversations);
  for (const [id, own] of byConversation) {
    const known = conversations.get(id) ?? unheardOf(own[0]!);
    const heard = withOwnEvents(known, own, state.me);
    // What was not told while it was withheld is read from the log again, with all around it.
    conversations.set(id, lacksShown(heard.log, own) ? { ...heard, log: null } : heard);
  }
  return { ...state, conversations };
}

/** A conversation of which an event is the first thing heard. */
function unheardOf(event: TidingsEvent): Conversation {
  const { conversation: id, seq, at } = event;
  const summary: Summary = {
    id,
    kind: event.kind === 'direct.opened' ? 'direct' : 'group',
    title: null,
    members: [],
    roles: new Map(),
    settings: null,
    lastSeq: seq - 1,
    lastAt: at,
    unread: 0,
    mentioned: 0,
    unreadThreads: 0,
    marks: UNMARKED,
    readSeq: seq - 1,
    preview: null,
  };
  // These two name everybody.
  const whole = event.kind === 'direct.opened' || event.kind === 'group.created';
  return { ...fresh(summary), roster: whole ? 'all' : 'some', partial: !whole };
}

function withOwnEvents(before: Conversation, events: readonly TidingsEvent[], me: string): Conversation {
  const after = { ...before };
  for (const event of events) if (event.seq > after.lastSeq) summarize(after, event, me);
  // Of one whose end was let go of, something stands between; but what became of its messages is shown.
  after.log = before.log?.cut ? hear(before.log, amendments(events)) : extend(before.log, events);
  if (before.thread) after.thread = heard(before.thread, events);
  const sent = new Set(events.flatMap(event => (event.kind === 'message.sent' ? [event.data.message] : [])));
  if (before.outbox.some(message => sent.has(message.id))) {
    after.outbox = before.outbox.filter(message => !sent.has(message.id));
  }
  after.changes = pending(before.changes, after.log, after.lastSeq);
  return after;
}

function extend(log: Log | null, events: readonly TidingsEvent[]): Log {
  const fitting = log ? events.filter(event => event.seq > log.to) : events;
  const first = fitting[0];
  if (!first) return log ?? emptyLog(0);
  // A window that ended too early is begun anew: what is between is loaded like all that is older.
  const fits = log !== null && first.seq === log.to + 1;
  return append(fits ? log : emptyLog(first.seq - 1), fitting);
}

/** Events up to `to` will not come: what is shown begins behind them, and older ones are loaded on demand. */
export const withGap = (state: State, id: string, to: number): State =>
  change(state, id, conversation => {
    if (conversation.log && conversation.log.to >= to) return conversation;
    const outbox = conversation.outbox.filter(message => message.seq === undefined || message.seq > to);
    const { joined: partial } = conversation;
    return { ...conversation, log: emptyLog(to), outbox, partial, roster: 'some', told: [] };
  });

/** Takes in older events, all of those from `from` on. */
export const withOlder = (
  state: State,
  id: string,
  from: number,
  events: readonly TidingsEvent[],
  later: Later = new Map(),
): State =>
  change(state, id, conversation => {
    const log = conversation.log;
    const to = events.at(-1)?.seq ?? from - 1;
    // Another window may have taken the place of the one that they were asked for.
    if (!log || from >= log.from || to < log.from - 1) return conversation;
    const longer = prepend(log, from, events);
    // What was heard is in it already.
    if (later.size === 0) return { ...conversation, log: longer };
    return { ...conversation, log: touch(touch(longer, later), heardOf(log)) };
  });

/** Begins the window of a conversation of which no event has come, with the events from `from` on. */
export const withNewest = (state: State, id: string, from: number, events: readonly TidingsEvent[]): State =>
  change(state, id, conversation => {
    if (conversation.log) return conversation;
    return withOwnEvents({ ...conversation, log: emptyLog(from - 1) }, events, state.me);
  });

export const withHistory = (state: State, id: string, history: Conversation['history']): State =>
  change(state, id, conversation => ({ ...conversation, history }));

export function withEphemeral(state: State, frame: Ephemeral, now: number): State {
  if (frame.type === 'presence') {
    const { type: _, user, ...seen } = frame;
    return { ...state, seen: set(state.seen, user, seen) };
  }
  if (frame.type === 'presence.count') {
    return { ...state, online: set(state.online, frame.conversation, frame.online) };
  }
  if (frame.type === 'presence.state') {
    const counts = Object.entries(frame.conversations).map(([id, { online }]) => [id, online] as const);
    return { ...state, seen: new Map(Object.entries(frame.users)), online: new Map(counts) };
  }
  return change(state, frame.conversation, conversation => {
    if (frame.type === 'typing') {
      if (frame.user === state.me) return conversation;
      const typing = new Map(conversation.typing);
      if (frame.on) typing.set(frame.user, now + TYPING_MS);
      else typing.delete(frame.user);
      return { ...conversation, typing };
    }
    if (frame.user === state.me) return readUpTo(conversation, frame.read_seq, state.me);
    const { user, read_seq: read, delivered_seq: delivered = 0 } = frame;
    return receipted(conversation, { user, read, delivered });
  });
}

/** Up to where somebody has read a conversation, and a device of theirs has it. */
export interface Receipt {
  user: string;
  read: number;
  delivered: number;
}

/** Neither ever goes back. */
function receipted(conversation: Conversation, { user, read, delivered }: Receipt): Conversation {
  const isRead = read > (conversation.reads.get(user) ?? 0);
  const isDelivered = delivered > (conversation.delivered.get(user) ?? 0);
  if (!isRead && !isDelivered) return conversation;
  return {
    ...conversation,
    ...(isRead && { reads: set(conversation.reads, user, read) }),
    ...(isDelivered && { delivered: set(conversation.delivered, user, delivered) }),
  };
}

export const withReceipts = (state: State, id: string, receipts: readonly Receipt[]): State =>
  change(state, id, conversation => receipts.reduce(receipted, conversation));

/** Forgets who has ceased to type without saying so. */
export function withoutStaleTyping(state: State, now: number): State {
  let next = state;
  for (const { id, typing } of state.conversations.values()) {
    if (![...typing.values()].some(until => until <= now)) continue;
    next = change(next, id, conversation => ({
      ...conversation,
      typing: new Map([...conversation.typing].filter(([, until]) => until > now)),
    }));
  }
  return next;
}

/** Remembers what is unread now, or that nothing is. */
export const withFresh = (state: State, id: string): State =>
  change(state, id, conversation => {
    const { unread: count, readSeq: after } = conversation;
    return { ...conversation, fresh: count > 0 ? { after, count } : null };
  });

export const withRead = (state: State, id: string, seq: number): State =>
  change(state, id, conversation => {
    const read = readUpTo(conversation, seq, state.me);
    return read.marks.unread ? { ...read, marks: { ...read.marks, unread: false } } : read;
  });

function readUpTo(conversation: Conversation, seq: number, me: string): Conversation {
  // Whoever has read all has nothing unread, also where a summary has the one from before and the other from behind a read.
  const isAll = seq >= conversation.lastSeq && conversation.unread + conversation.mentioned > 0;
  if (seq <= conversation.readSeq && !isAll) return conversation;
  const { log } = conversation;
  let { unread, mentioned } = conversation;
  if (seq >= conversation.lastSeq) {
    unread = mentioned = 0;
  } else if (log && !log.cut && log.from <= seq + 1) {
    const left = log.entries.filter(
      entry => entry.kind === 'message' && entry.seq > seq && entry.sender !== me && entry.content !== null,
    );
    unread = left.length;
    mentioned = left.filter(entry => entry.kind === 'message' && mentionsOne(entry, me)).length;
  }
  const voided = unread === 0 ? new Set<string>() : conversation.voided;
  return { ...conversation, readSeq: seq, unread, mentioned, voided };
}

export const withOutgoing = (state: State, id: string, message: Outgoing): State =>
  change(state, id, conversation => {
    const others = conversation.outbox.filter(other => other.id !== message.id);
    return { ...conversation, outbox: [...others, message] };
  });

/** What became of sending a message. One whose event has come is no longer in the outbox, and stays out. */
export const withSendState = (
  state: State,
  id: string,
  message: string,
  outcome: Partial<Pick<Outgoing, 'state' | 'reason' | 'seq' | 'progress'>>,
): State =>
  change(state, id, conversation => {
    const passed =
      outcome.seq !== undefined && conversation.log !== null && conversation.log.to >= outcome.seq;
    const outbox = conversation.outbox
      .filter(other => other.id !== message || !passed)
      .map(other => (other.id === message ? { ...other, ...outcome } : other));
    return { ...conversation, outbox };
  });

/** Forgets a message that is not to be sent. */
export const withoutOutgoing = (state: State, id: string, message: string): State =>
  change(state, id, conversation => ({
    ...conversation,
    outbox: conversation.outbox.filter(other => other.id !== message),
  }));

/** Begins to edit a message, or ceases to. */
export const withEditing = (state: State, id: string, message: string | null): State =>
  change(state, id, conversation => ({ ...conversation, editing: message }));

/** Begins to answer a message, or ceases to. */
export const withAnswering = (state: State, id: string, message: string | null): State =>
  change(state, id, conversation => ({ ...conversation, answering: message }));

/** Whether something that was written has not come to the server yet. */
export const hasUnsent = (state: State): boolean =>
  [...state.conversations.values()].some(
    ({ outbox, changes }) =>
      outbox.some(message => message.state !== 'sent') ||
      changes.some(({ kind, seq, reason }) => kind !== 'react' && seq === undefined && reason === undefined),
  );

/** The conversations as the list shows them: newest activity first. */
export const listed = (state: State): Conversation[] =>
  [...state.conversations.values()].sort((a, b) => (a.lastAt < b.lastAt ? 1 : a.lastAt > b.lastAt ? -1 : 0));

/** The name to write somebody by, of whom there is one. */
export const handle = (person: Person | undefined): string | false =>
  person !== undefined && !person.isDeleted && `@${person.username}`;

/** Who is known by name. */
export type Known = Pick<State, 'me' | 'people'>;

export const personName = (state: Known, id: string): string =>
  id === state.me ? 'You' : (state.people.get(id)?.displayName ?? 'Somebody');

/** Whose picture stands for a conversation: the other person's, or its own. */
export const faceOf = (state: State, conversation: Conversation): string =>
  (conversation.kind === 'direct' && conversation.members.find(member => member !== state.me)) ||
  conversation.id;

/** How the other of a direct conversation is there, where that is known. */
export function otherSeen(state: State, conversation: Conversation): Seen | undefined {
  if (conversation.kind !== 'direct') return undefined;
  return state.seen.get(conversation.members.find(member => member !== state.me) ?? '');
}

/** What a conversation is called. */
export function titleOf(state: State, conversation: Conversation): string {
  if (conversation.title) return conversation.title;
  const others = conversation.members.filter(member => member !== state.me);
  if (conversation.kind === 'direct' && others[0]) return personName(state, others[0]);
  return others.map(other => personName(state, other)).join(', ') || 'Conversation';
}

/** The people who appear but are not known. */
export function strangers(state: State): string[] {
  const unknown = new Set<string>();
  const meet = (user: string): void => {
    if (!state.people.has(user)) unknown.add(user);
  };
  for (const { by } of state.invitations) meet(by);
  for (const { by } of state.notices.told) if (by !== undefined) meet(by);
  [...state.relations.ties.keys(), ...state.relations.blocked].forEach(meet);
  for (const conversation of state.conversations.values()) {
    if (conversation.preview) meet(conversation.preview.sender);
    if (conversation.kind === 'direct') conversation.members.forEach(meet);
    if (conversation.id !== state.selected) continue;
    conversation.members.slice(0, 100).forEach(meet);
    for (const entry of conversation.log?.entries ?? []) {
      if (entry.kind === 'message') {
        meet(entry.sender);
        entry.mentions.forEach(meet);
        if (entry.forwarded) meet(entry.forwarded.sender);
        for (const users of entry.reactions.values()) users.slice(0, NAMED_REACTORS).forEach(meet);
      } else peopleOf(entry.event).forEach(meet);
    }
    if (conversation.governed) whomWordsName(conversation.governed.words).forEach(meet);
  }
  return [...unknown];
}

/** Whom an event is about. */
export function peopleOf(event: TidingsEvent): string[] {
  return 'user' in event.data ? [event.actor, event.data.user] : [event.actor];
}
