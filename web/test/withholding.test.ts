import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TidingsEvent } from '../src/protocol/frames.ts';
import type { MessageEntry } from '../src/chat/fold.ts';
import { append, emptyLog, prepend, touch, type Log } from '../src/chat/log.ts';
import { NOTHING_HIDDEN, isHidden } from '../src/chat/nouns/hidden.ts';
import { UNMARKED } from '../src/chat/nouns/mark.ts';
import { messageText, WITHHELD } from '../src/chat/nouns/message.ts';
import { initialState, withEvents, withSummaries, type State } from '../src/chat/store.ts';
import { BOB, CONVERSATION, edited, ME, reacted, recalled, said, time, withheld } from './events.ts';

/** As it is read from the log while it is withheld. */
const bare = (event: TidingsEvent): TidingsEvent =>
  event.kind === 'message.sent'
    ? { ...event, data: { ...event.data, content: null, withheld: true } }
    : event;

const first = (log: Log): MessageEntry => {
  const entry = log.entries.find(({ kind }) => kind === 'message');
  assert.equal(entry?.kind, 'message');
  return entry as MessageEntry;
};
const shown = (log: Log): string => messageText(first(log));

test('what is withheld says nothing, and all that it said when it is shown again', () => {
  const log = append(emptyLog(0), [said(1), edited(2, 'm1', 'better'), reacted(3, 'm1', '👍')]);
  const gone = append(log, [withheld(4, 'm1')]);
  assert.equal(shown(gone), WITHHELD);
  assert.deepEqual([first(gone).editedAt, [...first(gone).reactions]], [null, []]);
  const back = append(gone, [withheld(5, 'm1', false)]);
  assert.deepEqual(first(back), first(log));
  // All at once, and in pieces from behind.
  const events = [withheld(4, 'm1'), withheld(5, 'm1', false), withheld(6, 'm1')];
  assert.equal(shown(append(log, events)), WITHHELD);
  const behind = append(emptyLog(3), events.slice(0, 2));
  const before = [said(1), edited(2, 'm1', 'better'), reacted(3, 'm1', '👍')];
  assert.deepEqual(first(prepend(behind, 1, before)), first(log));
  assert.deepEqual(first(touch(gone, new Map([['m1', { withheld: false }]]))), first(log));
});

test('what was edited between two withholdings is shown as it was edited', () => {
  const log = append(emptyLog(0), [said(1), withheld(2, 'm1')]);
  const events = [withheld(3, 'm1', false), edited(4, 'm1', 'better'), withheld(5, 'm1')];
  const again = append(append(log, events), [withheld(6, 'm1', false)]);
  assert.equal(shown(again), 'better');
});

test('a recall wins', () => {
  const log = append(emptyLog(0), [said(1), withheld(2, 'm1'), withheld(3, 'm1', false), recalled(4, 'm1')]);
  assert.equal(shown(log), 'Message recalled');
  assert.equal(shown(append(log, [withheld(5, 'm1')])), 'Message recalled');
});

test('what came withheld is drawn as that', () => {
  const log = append(emptyLog(0), [bare(said(1)), withheld(2, 'm1')]);
  assert.equal(shown(log), WITHHELD);
  assert.ok(!isHidden(first(log), log, NOTHING_HIDDEN, 1));
});

const state = (events: readonly TidingsEvent[]): State => {
  const summary = {
    id: CONVERSATION,
    kind: 'group' as const,
    title: 'walkers',
    members: [ME, BOB],
    roles: new Map(),
    settings: null,
    lastSeq: 0,
    lastAt: time(0),
    unread: 0,
    mentioned: 0,
    unreadThreads: 0,
    marks: UNMARKED,
    readSeq: 0,
    preview: null,
  };
  return withEvents(withSummaries(initialState(ME), [summary]), events);
};
const conversation = (of: State) => of.conversations.get(CONVERSATION)!;

test('what is withheld is not unread, and is again when it is shown', () => {
  const before = state([said(1), said(2)]);
  assert.equal(conversation(before).unread, 2);
  const gone = withEvents(before, [withheld(3, 'm2')]);
  assert.deepEqual([conversation(gone).unread, conversation(gone).preview?.text], [1, WITHHELD]);
  const back = conversation(withEvents(gone, [withheld(4, 'm2', false)]));
  assert.deepEqual([back.unread, back.partial, back.log?.to], [2, true, 4]);
});

test('what this page was never told is read from the log again when it is shown', () => {
  const before = state([bare(said(1)), withheld(2, 'm1')]);
  assert.equal(shown(conversation(before).log!), WITHHELD);
  assert.equal(conversation(withEvents(before, [withheld(3, 'm1', false)])).log, null);
  const gone = withEvents(before, [withheld(3, 'm1', false), recalled(4, 'm1')]);
  assert.equal(conversation(gone).log?.to, 4);
});
