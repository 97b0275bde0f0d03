import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isMuted, marked, spoken, UNMARKED } from '../src/chat/nouns/mark.ts';
import type { Notice } from '../src/protocol/frames.ts';
import { CONVERSATION, time } from './events.ts';

const muted = { ...UNMARKED, muted: true };
const archived = { ...UNMARKED, archived: true };

test('what is muted is so until a moment, or for ever', () => {
  const at = Date.parse(time(10));
  assert.ok(isMuted(muted, at));
  assert.ok(isMuted({ ...muted, until: time(11) }, at));
  assert.ok(!isMuted({ ...muted, until: time(10) }, at));
  assert.ok(!isMuted(UNMARKED, at));
});

test('what is put away comes back with the next message, if it is not muted, and with a mention in any case', () => {
  assert.ok(!spoken(archived, false, false, time(1)).archived);
  assert.ok(spoken({ ...archived, muted: true }, false, false, time(1)).archived);
  assert.ok(!spoken({ ...archived, muted: true }, false, true, time(1)).archived);
  assert.ok(!spoken({ ...archived, muted: true, until: time(1) }, false, false, time(2)).archived);
});

test('whoever writes has read', () => {
  const unread = { ...UNMARKED, unread: true };
  assert.ok(!spoken(unread, true, false, time(1)).unread);
  assert.equal(spoken(unread, false, false, time(1)), unread);
});

test('notices are read for what they say, and others left alone', () => {
  const notice = (kind: string, data: object): Notice => ({
    type: 'notice',
    seq: 1,
    kind,
    at: time(1),
    data,
  });
  const conversation = CONVERSATION;
  assert.deepEqual(marked(notice('conversation.muted', { conversation, on: true, until: time(5) }))?.marks, {
    muted: true,
    until: time(5),
  });
  assert.deepEqual(marked(notice('conversation.muted', { conversation, on: false }))?.marks, {
    muted: false,
    until: null,
  });
  assert.deepEqual(marked(notice('conversation.archived', { conversation, on: true }))?.marks, {
    archived: true,
  });
  assert.deepEqual(marked(notice('conversation.marked', { conversation, unread: false }))?.marks, {
    unread: false,
  });
  assert.equal(marked(notice('gap', { from: 1, to: 3 })), null);
  assert.equal(marked(notice('group.invited', { conversation })), null);
  assert.equal(marked(notice('conversation.muted', {})), null);
});
