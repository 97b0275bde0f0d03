// Whether an answer lacks what this page knows.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pinsLack, readersLack, threadsLack, versionsLack } from '../src/chat/behind.ts';
import { append, emptyLog, touch, type Log } from '../src/chat/log.ts';
import { NOTHING_HIDDEN } from '../src/chat/nouns/hidden.ts';
import { BOB, CONVERSATION, said, time } from './events.ts';

const reply = (seq: number) => {
  const event = said(seq);
  return event.kind === 'message.sent' ? { ...event, data: { ...event.data, thread: 'm1' } } : event;
};

test('an answer is behind where events have told of more', () => {
  const log = append(emptyLog(0), [said(1), reply(2), reply(3)]);
  const pinned: Log = touch(log, new Map([['m1', { pinned: true }]]));
  const pin = { seq: 1, at: time(1), text: 'text 1', sender: 'Bob' };
  assert.ok(pinsLack([], { log: pinned }) && pinsLack([pin], { log }));
  assert.ok(!pinsLack([pin], { log: pinned }) && !pinsLack([], { log }) && !pinsLack([pin], { log: null }));

  const thread = { root: 'm1', text: 'text 1', sender: 'Bob', unread: 0, following: false, at: time(3) };
  const lacks = (replies: number | null, known: Log | null, hidden = NOTHING_HIDDEN): boolean =>
    threadsLack(
      replies === null ? [] : [{ ...thread, replies }],
      { id: CONVERSATION, log: known },
      { hidden },
    );
  assert.ok(lacks(null, log) && lacks(1, log) && !lacks(2, log) && !lacks(null, null));
  const recalled = touch(log, new Map([['m3', { recalled: true }]]));
  assert.ok(!lacks(1, recalled));
  // What somebody has hidden or cleared is not counted for them.
  const hidden = { ...NOTHING_HIDDEN, messages: new Set(['m2']) };
  assert.ok(!lacks(1, log, hidden) && lacks(0, log, hidden));
  const cleared = { ...NOTHING_HIDDEN, cleared: new Map([[CONVERSATION, 2]]) };
  assert.ok(!lacks(1, log, cleared) && lacks(0, log, cleared));

  const versions = [1, 4].map(seq => ({ at: time(seq), text: 'text' }));
  assert.ok(versionsLack(versions, { editedAt: time(5) }));
  assert.ok(!versionsLack(versions, { editedAt: time(4) }) && !versionsLack([], { editedAt: null }));

  const reads = new Map([[BOB, 3]]);
  assert.ok(readersLack({ read: [] }, { seq: 3, thread: null }, { reads }));
  assert.ok(!readersLack({ read: ['Bob'] }, { seq: 3, thread: null }, { reads }));
  assert.ok(!readersLack({ read: [] }, { seq: 4, thread: null }, { reads }));
  assert.ok(!readersLack({ read: [] }, { seq: 3, thread: 'm1' }, { reads }));
});
