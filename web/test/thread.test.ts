import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isInMain } from '../src/chat/fold.ts';
import { NOTHING_HIDDEN } from '../src/chat/nouns/hidden.ts';
import { UNMARKED } from '../src/chat/nouns/mark.ts';
import { USUAL } from '../src/chat/nouns/settings.ts';
import {
  beganBefore,
  emptyThread,
  followed,
  heard,
  isRootUnseen,
  joined,
  lastReply,
  replyCount,
  UNSEEN_ROOT,
} from '../src/chat/nouns/thread.ts';
import { findThread, findThreads, type Ask } from '../src/chat/queries.ts';
import * as store from '../src/chat/store.ts';
import type { TidingsEvent } from '../src/protocol/frames.ts';
import { BOB, CONVERSATION, edited, ME, recalled, said, time, withheld } from './events.ts';

const replied = (seq: number, thread: string, more: object = {}, actor = BOB): TidingsEvent => {
  const event = said(seq, actor);
  return event.kind === 'message.sent' ? { ...event, data: { ...event.data, thread, ...more } } : event;
};

const came = (seq: number): TidingsEvent => ({
  ...said(seq),
  kind: 'member.added',
  data: { user: ME, role: 'member' },
});

function group(lastSeq = 0): store.State {
  return store.withSummaries(store.initialState(ME), [
    {
      id: CONVERSATION,
      kind: 'group',
      title: 'Walkers',
      members: [ME, BOB],
      roles: new Map(),
      lastSeq,
      lastAt: time(lastSeq),
      unread: 0,
      mentioned: 0,
      unreadThreads: 0,
      settings: null,
      marks: UNMARKED,
      readSeq: lastSeq,
      preview: null,
    },
  ]);
}

const only = (state: store.State) => state.conversations.get(CONVERSATION)!;

test('what stands in a thread alone is not unread, not the last message, and brings nothing up', () => {
  let state = store.withEvents(group(), [said(1), replied(2, 'm1')]);
  const { unread, preview, lastAt, lastSeq } = only(state);
  assert.deepEqual([unread, preview?.seq, lastAt, lastSeq], [1, 1, time(1), 2]);
  // A mention in it is one all the same.
  state = store.withEvents(state, [replied(3, 'm1', { mentions: [ME] })]);
  assert.deepEqual([only(state).unread, only(state).mentioned], [1, 1]);
  // One's own reply reads nothing of the main timeline.
  state = store.withEvents(state, [replied(4, 'm1', {}, ME)]);
  assert.equal(only(state).unread, 1);
  state = store.withEvents(state, [replied(5, 'm1', { also: true })]);
  assert.deepEqual([only(state).unread, only(state).preview?.seq], [2, 5]);
  // Its recall takes nothing off.
  state = store.withEvents(state, [recalled(6, 'm2')]);
  assert.equal(only(state).unread, 2);
});

test('replies are counted below their message, without those that were recalled, are withheld or one has hidden', () => {
  const state = store.withEvents(group(), [
    said(1),
    replied(2, 'm1'),
    replied(3, 'm1'),
    recalled(4, 'm2'),
    recalled(5, 'm1'),
  ]);
  const { log } = only(state);
  const root = log!.entries.find(entry => entry.seq === 1);
  assert.ok(root?.kind === 'message' && root.content === null);
  assert.equal(replyCount(root, log, NOTHING_HIDDEN, 1), 1);
  assert.equal(replyCount({ ...root, counted: 7 }, log, NOTHING_HIDDEN, 1), 7);
  assert.equal(replyCount(root, log, { ...NOTHING_HIDDEN, messages: new Set(['m3']) }, 1), 0);
  // What is withheld counts again once it is shown again.
  for (const [on, count] of [
    [true, 0],
    [false, 1],
  ] as const) {
    const { log: later } = only(store.withEvents(state, [withheld(6, 'm3', on)]));
    assert.equal(replyCount(root, later, NOTHING_HIDDEN, 1), count);
  }
});

test('a thread takes in its replies, live ones and pages of older ones, each once and in order', () => {
  const entries = (events: TidingsEvent[]) =>
    only(store.withEvents(group(events[0]!.seq - 1), events)).log!.entries.filter(
      entry => entry.kind === 'message',
    );
  let thread = heard(emptyThread('m1'), [replied(8, 'm1'), replied(9, 'other'), said(10)]);
  thread = joined(thread, entries([replied(6, 'm1'), replied(7, 'm1'), replied(8, 'm1')]), 'before 6');
  assert.deepEqual(
    [thread.entries.map(({ seq }) => seq), thread.before, thread.state],
    [[6, 7, 8], 'before 6', 'idle'],
  );
  thread = heard(thread, [edited(11, 'm6', 'better'), recalled(12, 'm7'), replied(13, 'm1', { also: true })]);
  assert.deepEqual(
    thread.entries.map(({ content }) => (content?.kind === 'text' ? content.text : null)),
    ['better', null, 'text 8', 'text 13'],
  );
  thread = joined(thread, entries([said(1), replied(2, 'm1')]), null);
  assert.deepEqual(
    thread.entries.map(({ seq }) => seq),
    [1, 2, 6, 7, 8, 13],
  );
  assert.equal(heard(thread, [said(14)]), thread);
});

test('the main timeline shows what stands in no thread, or in both', () => {
  assert.ok(
    isInMain({}) && isInMain({ thread: null, also: false }) && isInMain({ thread: 'm1', also: true }),
  );
  assert.ok(!isInMain({ thread: 'm1' }));
});

const node = (seq: number, more: object = {}) => ({
  id: `m${seq}`,
  seq,
  sentAt: time(seq),
  kind: 'TEXT',
  text: `text ${seq}`,
  recalledAt: null,
  editedAt: null,
  pinned: false,
  also: false,
  thread: 'm1',
  replyCount: 0,
  sender: { id: BOB, username: 'bob', displayName: 'Bob' },
  replyTo: null,
  mentions: [],
  attachment: null,
  reactions: [],
  ...more,
});

test('what the server says of a thread is what events would have made of it', async () => {
  const nodes = [
    node(2, { reactions: [{ emoji: '👍' }] }),
    node(3, { kind: 'IMAGE', text: null, attachment: { id: 'a' } }),
    node(4, { text: null, recalledAt: time(5) }),
  ];
  const ask: Ask = async <T>(query: string): Promise<T> => {
    const users = { nodes: [{ id: BOB }] };
    if (query.startsWith('query Messages'))
      return { m0: { reactions: [{ emoji: '👍', count: 1, viewerReacted: false, users }] } } as T;
    const replies = { nodes, pageInfo: { hasPreviousPage: true, startCursor: 'older' } };
    return { conversation: { thread: { root: node(1, { thread: null, replyCount: 2 }), replies } } } as T;
  };
  const page = await findThread(ask, ME, CONVERSATION, 'm1', null);
  assert.equal(page.before, 'older');
  assert.deepEqual(
    page.entries.map(({ content }) => content),
    [
      { kind: 'text', text: 'text 1' },
      { kind: 'text', text: 'text 2' },
      { kind: 'image', attachment: 'a' },
      null,
    ],
  );
  assert.deepEqual([...page.entries[1]!.reactions], [['👍', [BOB]]]);
  assert.equal(page.entries[0]!.counted, 2);
});

test('a thread below a message that one does not see is listed, and shown without that', async () => {
  const pageInfo = { hasPreviousPage: false, startCursor: null };
  const ask: Ask = async <T>(query: string): Promise<T> => {
    const thread = { root: null, following: true, replies: { nodes: [node(2), node(3)], pageInfo } };
    if (query.startsWith('query Thread(')) return { conversation: { thread } } as T;
    const listed = { id: 'm1', replyCount: 2, lastReplyAt: time(3), unreadCount: 1, following: true };
    const other = { ...listed, id: 'm5', root: node(5, { thread: null }) };
    return { conversation: { threads: { nodes: [{ ...listed, root: null }, other] } } } as T;
  };
  const listed = await findThreads(ask, CONVERSATION);
  assert.deepEqual(
    listed.map(({ root, text, sender }) => [root, text, sender]),
    [
      ['m1', UNSEEN_ROOT, null],
      ['m5', 'text 5', 'Bob'],
    ],
  );
  const page = await findThread(ask, ME, CONVERSATION, 'm1', null);
  assert.deepEqual(
    page.entries.map(({ seq }) => seq),
    [2, 3],
  );
  const bare = emptyThread('m1');
  const thread = joined(bare, page.entries, page.before);
  assert.ok(isRootUnseen(thread, thread.entries) && !isRootUnseen(bare, []));
  // It is read all the same.
  assert.equal(lastReply(thread), 3);
});

test('what one has hidden of a thread is not in it when it is opened again', () => {
  const bare = (event: TidingsEvent): TidingsEvent =>
    event.kind === 'message.sent' ? { ...event, data: { ...event.data, content: null } } : event;
  const events = [bare(said(1)), replied(2, 'm1'), bare(replied(3, 'm1')), bare(replied(4, 'm1'))];
  const { log } = only(store.withEvents(group(), [...events, recalled(5, 'm4')]));
  const thread = joined(emptyThread('m1', log), [], null);
  assert.deepEqual(
    thread.entries.map(({ seq }) => seq),
    [2, 4],
  );
  assert.ok(isRootUnseen(thread, thread.entries));
});

test('an answer is offered below what one has hidden or cleared, and not below what is from before one came', () => {
  const settings = { ...USUAL, history: 'joined' } as const;
  const { log } = only(store.withEvents(group(3), [came(4), replied(5, 'm1')]));
  const newcomers = { log, settings };
  const opened = emptyThread('m1', log);
  const thread = joined(opened, [], null);
  assert.ok(beganBefore(thread, newcomers, NOTHING_HIDDEN, 1, ME));
  // Where their coming is not loaded, or it is somebody else's, it may be from behind that.
  const short = only(store.withEvents(group(4), [replied(5, 'm1')])).log;
  assert.ok(!beganBefore(thread, { log: short, settings }, NOTHING_HIDDEN, 1, ME));
  assert.ok(!beganBefore(thread, newcomers, NOTHING_HIDDEN, 1, BOB));
  // It is not known yet, or newcomers see everything.
  assert.ok(!beganBefore(opened, newcomers, NOTHING_HIDDEN, 1, ME));
  assert.ok(!beganBefore(thread, { log, settings: USUAL }, NOTHING_HIDDEN, 1, ME));
  assert.ok(!beganBefore(thread, { log, settings: null }, NOTHING_HIDDEN, 1, ME));
  assert.ok(!beganBefore(thread, newcomers, { ...NOTHING_HIDDEN, messages: new Set(['m1']) }, 1, ME));
  assert.ok(!beganBefore(thread, newcomers, NOTHING_HIDDEN, 5, ME));
  // Messages that were hidden before this page was opened come without their content.
  const event = said(1);
  assert.ok(event.kind === 'message.sent');
  const bare: TidingsEvent = { ...event, data: { ...event.data, content: null } };
  const known = only(store.withEvents(group(), [bare, came(2), replied(3, 'm1')])).log;
  const hidden = joined(emptyThread('m1', known), [], null);
  assert.ok(isRootUnseen(hidden, hidden.entries));
  assert.ok(!beganBefore(hidden, { log: known, settings }, NOTHING_HIDDEN, 1, ME));
});

test('a thread is read up to its last reply, and notices say whether it is followed', () => {
  const events = [said(1), replied(2, 'm1'), replied(5, 'm1')];
  const thread = heard(emptyThread('m1'), events);
  assert.equal(lastReply(thread), 5);
  assert.equal(lastReply(emptyThread('m1')), 0);
  const notice = (kind: string, data: object) =>
    ({ type: 'notice', seq: 1, kind, at: time(1), data }) as const;
  const about = { conversation: CONVERSATION, thread: 'm1' };
  assert.deepEqual(followed(notice('thread.followed', { ...about, on: true })), { ...about, on: true });
  assert.equal(followed(notice('thread.followed', { conversation: CONVERSATION, on: true })), null);
  assert.equal(followed(notice('thread.read', { ...about, seq: 3 })), null);
});
