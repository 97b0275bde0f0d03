import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UNMARKED } from '../src/chat/nouns/mark.ts';
import * as store from '../src/chat/store.ts';
import type { TidingsEvent } from '../src/protocol/frames.ts';
import { added, BOB, CONVERSATION, edited, left, ME, opened, range, recalled, said, time } from './events.ts';

const summary = (lastSeq: number, more: Partial<store.Summary> = {}): store.Summary => ({
  id: CONVERSATION,
  kind: 'direct',
  title: null,
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
  ...more,
});

const withSummary = (lastSeq: number, more: Partial<store.Summary> = {}): store.State =>
  store.withSummaries(store.initialState(ME), [summary(lastSeq, more)]);

const only = (state: store.State): store.Conversation => {
  const conversation = state.conversations.get(CONVERSATION);
  assert.ok(conversation);
  return conversation;
};

const seqs = (state: store.State): number[] | undefined => only(state).log?.entries.map(entry => entry.seq);

const outgoing = (id: string): store.Outgoing => ({ id, text: 'hello', at: time(1), state: 'sending' });

test('events that the summary includes are not counted as unread again', () => {
  const state = store.withEvents(withSummary(5, { unread: 2 }), range(4, 6));
  assert.equal(only(state).unread, 3);
  assert.equal(only(state).lastSeq, 6);
  assert.deepEqual(seqs(state), [4, 5, 6]);
});

test('events that come twice are shown and counted once', () => {
  let state = store.withEvents(withSummary(0), [opened(), said(2)]);
  state = store.withEvents(state, [said(2), said(3)]);
  assert.equal(only(state).unread, 2);
  assert.deepEqual(seqs(state), [1, 2, 3]);
});

test('sending reads everything before', () => {
  const state = store.withEvents(withSummary(1), [said(2), said(3, ME)]);
  assert.equal(only(state).unread, 0);
  assert.equal(only(state).readSeq, 3);
});

test('a conversation that begins is made from its event', () => {
  const state = store.withEvents(store.initialState(ME), [opened(), said(2)]);
  const { kind, members, unread, partial } = only(state);
  assert.deepEqual(
    { kind, members, unread, partial },
    { kind: 'direct', members: [ME, BOB], unread: 1, partial: false },
  );
});

test('a conversation that is joined later is completed by its summary', () => {
  let state = store.withEvents(store.initialState(ME), [added(40, ME)]);
  assert.equal(only(state).partial, true);
  state = store.withSummaries(state, [summary(39, { kind: 'group', title: 'Walkers' })]);
  assert.equal(only(state).title, 'Walkers');
  assert.equal(only(state).partial, true, 'an older summary does not tell all');
  state = store.withSummaries(state, [summary(40, { kind: 'group', title: 'Walkers' })]);
  assert.equal(only(state).partial, false);
});

test('who leaves sees so, and who comes back is a member again', () => {
  const gone = store.withEvents(withSummary(1), [left(2, ME)]);
  assert.equal(only(gone).joined, false);
  assert.equal(only(store.withEvents(gone, [added(3, ME)])).joined, true);
});

test('a message leaves the outbox when its event comes, before or after its ack', () => {
  const sending = store.withOutgoing(withSummary(1), CONVERSATION, outgoing('x'));
  const acked = store.withSendState(sending, CONVERSATION, 'x', { state: 'sent', seq: 2 });
  assert.equal(only(acked).outbox[0]?.state, 'sent');
  const event: TidingsEvent = said(2, ME, 'x');
  assert.equal(only(store.withEvents(acked, [event])).outbox.length, 0);
  const first = store.withEvents(sending, [event]);
  const then = store.withSendState(first, CONVERSATION, 'x', { state: 'sent', seq: 2 });
  assert.equal(only(then).outbox.length, 0);
  assert.deepEqual(seqs(then), [2]);
});

test('a failed message that is sent again keeps its place once', () => {
  let state = store.withOutgoing(withSummary(1), CONVERSATION, outgoing('x'));
  state = store.withSendState(state, CONVERSATION, 'x', { state: 'failed', reason: 'no answer' });
  state = store.withOutgoing(state, CONVERSATION, outgoing('x'));
  assert.deepEqual(
    only(state).outbox.map(({ id, state }) => [id, state]),
    [['x', 'sending']],
  );
});

test('a gap begins the log anew behind it, and older pages fill it up', () => {
  let state = store.withEvents(withSummary(1), range(2, 4));
  state = store.withEvents(store.withGap(state, CONVERSATION, 50), range(51, 52));
  assert.deepEqual(seqs(state), [51, 52]);
  assert.equal(only(state).partial, true);
  state = store.withOlder(state, CONVERSATION, 49, range(49, 50));
  assert.deepEqual(seqs(state), [49, 50, 51, 52]);
});

test('a log that ended too early begins anew', () => {
  let state = store.withNewest(withSummary(2), CONVERSATION, 1, [opened(), said(2)]);
  state = store.withEvents(state, [said(5)]);
  assert.deepEqual(seqs(state), [5]);
  assert.equal(only(state).log?.from, 5);
});

test('reading counts what is left, and never moves back', () => {
  let state = store.withEvents(withSummary(1), range(2, 5));
  assert.equal(only(state).unread, 4);
  state = store.withRead(state, CONVERSATION, 3);
  assert.equal(only(state).unread, 2);
  state = store.withRead(state, CONVERSATION, 2);
  assert.equal(only(state).readSeq, 3);
  state = store.withRead(state, CONVERSATION, 5);
  assert.equal(only(state).unread, 0);
});

test('a summary from before one has read does not bring the badge back', () => {
  let state = store.withEvents(withSummary(1), range(2, 3));
  state = store.withRead(state, CONVERSATION, 3);
  state = store.withSummaries(state, [summary(3, { unread: 2, readSeq: 1 })]);
  assert.equal(only(state).unread, 0);
});

test('another device of the viewer reads for this one', () => {
  const state = store.withEvents(withSummary(1), range(2, 3));
  const receipt = { type: 'receipt', conversation: CONVERSATION, user: ME, read_seq: 3 } as const;
  assert.equal(only(store.withEphemeral(state, receipt, 0)).unread, 0);
});

test('typing ends by a word, by a message, and by itself', () => {
  const typing = { type: 'typing', conversation: CONVERSATION, user: BOB, on: true } as const;
  const state = store.withEphemeral(withSummary(1), typing, 0);
  assert.equal(only(state).typing.size, 1);
  assert.equal(only(store.withEphemeral(state, { ...typing, on: false }, 1)).typing.size, 0);
  assert.equal(only(store.withEvents(state, [said(2)])).typing.size, 0);
  assert.equal(only(store.withoutStaleTyping(state, store.TYPING_MS)).typing.size, 0);
  assert.equal(store.withoutStaleTyping(state, store.TYPING_MS - 1), state);
});

test('the list shows the newest activity first', () => {
  const other = summary(1, { id: 'c2', lastAt: time(100) });
  const state = store.withSummaries(withSummary(5), [other]);
  assert.deepEqual(
    store.listed(state).map(({ id }) => id),
    ['c2', CONVERSATION],
  );
});

test('a recalled message is not unread any more, once; one that was read changes nothing', () => {
  let state = store.withEvents(withSummary(1), range(2, 4));
  assert.equal(only(state).unread, 3);
  state = store.withEvents(state, [recalled(5, 'm3')]);
  assert.equal(only(state).unread, 2);
  state = store.withEvents(state, [recalled(6, 'm3')]);
  assert.equal(only(state).unread, 2);
  state = store.withRead(state, CONVERSATION, 4);
  state = store.withEvents(state, [said(7), recalled(8, 'm2')]);
  assert.equal(only(state).unread, 1);
  state = store.withRead(state, CONVERSATION, 8);
  assert.equal(only(state).unread, 0);
});

test('the list shows what the last message says now', () => {
  let state = store.withEvents(withSummary(1), [said(2), said(3), edited(4, 'm2', 'older')]);
  assert.equal(only(state).preview?.text, 'text 3');
  state = store.withEvents(state, [edited(5, 'm3', 'newer')]);
  assert.equal(only(state).preview?.text, 'newer');
  state = store.withEvents(state, [recalled(6, 'm3'), edited(7, 'm3', 'too late')]);
  assert.equal(only(state).preview?.text, 'Message recalled');
});

test('unread messages that mention the viewer are counted until they are read or recalled', () => {
  const mentions = (seq: number): TidingsEvent => {
    const event = said(seq);
    return event.kind === 'message.sent' ? { ...event, data: { ...event.data, mentions: [ME] } } : event;
  };
  const count = (state: store.State): number => only(state).mentioned;
  let state = store.withEvents(withSummary(1, { mentioned: 1, unread: 1, readSeq: 0 }), [
    mentions(2),
    said(3),
    mentions(4),
  ]);
  assert.equal(count(state), 3);
  // Of one that is recalled a summary tells.
  const before = store.withEvents(state, [recalled(5, 'm4')]);
  assert.ok(only(before).partial);
  const after = store.withSummaries(before, [summary(5, { mentioned: 2, unread: 3, readSeq: 0 })]);
  assert.deepEqual([count(after), only(after).partial], [2, false]);
  state = store.withRead(state, CONVERSATION, 3);
  assert.equal(count(state), 1);
  assert.equal(count(store.withRead(state, CONVERSATION, 4)), 0);
  assert.equal(count(store.withEvents(state, [said(5, ME)])), 0);
});

test('a summary that knows what was read and not that nothing is unread does not stay', () => {
  let state = withSummary(9, { unread: 8, readSeq: 1 });
  state = store.withRead(state, CONVERSATION, 9);
  state = store.withSummaries(state, [summary(9, { unread: 8, readSeq: 9 })]);
  assert.equal(only(state).unread, 0);
  // One who has read a part is shown what is left.
  state = store.withSummaries(withSummary(9, { unread: 8, readSeq: 1 }), [
    summary(9, { unread: 3, readSeq: 6 }),
  ]);
  assert.equal(only(state).unread, 3);
});

test('a summary of a large group names the first of its members, and the others stay', () => {
  const first = Array.from({ length: store.SUMMARY_MEMBERS }, (_, n) => `m${n}`);
  const kind = 'group';
  let state = withSummary(4, { kind, members: first });
  state = store.withMembers(
    state,
    CONVERSATION,
    [{ id: ME, username: 'me', displayName: 'Me' }],
    new Map([[ME, 'admin']]),
  );
  state = store.withSummaries(state, [
    summary(5, { kind, members: first, roles: new Map([['m0', 'owner']]) }),
  ]);
  assert.equal(only(state).members.length, first.length + 1);
  assert.deepEqual([only(state).roles.get(ME), only(state).roles.get('m0')], ['admin', 'owner']);
  // One that names all of them tells who is in.
  state = store.withSummaries(state, [summary(6, { kind, members: [ME] })]);
  assert.deepEqual(only(state).members, [ME]);
});

test('a deleted account is known by what stands for its name, and has no name to be written by', () => {
  const gone = { id: BOB, username: BOB, displayName: 'deleted user' };
  const of = (person: store.Person) => store.withPeople(store.initialState(ME), [person]).people.get(BOB);
  assert.equal(of(gone), undefined);
  assert.equal(of({ ...gone, isDeleted: true })?.displayName, 'deleted user');
  assert.equal(store.handle(of({ ...gone, isDeleted: true })), false);
});

test('receipts say how far the others have read and have a conversation, and never less than before', () => {
  const receipt = (read: number, delivered?: number) =>
    ({
      type: 'receipt',
      conversation: CONVERSATION,
      user: BOB,
      read_seq: read,
      ...(delivered !== undefined && { delivered_seq: delivered }),
    }) as const;
  let state = store.withEphemeral(withSummary(9), receipt(0, 5), 0);
  const far = () => [only(state).reads.get(BOB), only(state).delivered.get(BOB)];
  assert.deepEqual(far(), [undefined, 5]);
  state = store.withEphemeral(state, receipt(7), 0);
  assert.deepEqual(far(), [7, 5]);
  const same = store.withEphemeral(state, receipt(6, 4), 0);
  assert.equal(same, state);
  state = store.withReceipts(state, CONVERSATION, [
    { user: BOB, read: 8, delivered: 0 },
    { user: BOB, read: 0, delivered: 9 },
  ]);
  assert.deepEqual(far(), [8, 9]);
});
