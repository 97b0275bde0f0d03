import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TidingsEvent, Notice } from '../src/protocol/frames.ts';
import { append, emptyLog } from '../src/chat/log.ts';
import { hiddenBy, isHidden, NOTHING_HIDDEN } from '../src/chat/nouns/hidden.ts';
import { CONVERSATION, recalled, said, time } from './events.ts';

const notice = (kind: string, data: object): Notice => ({ type: 'notice', seq: 1, kind, at: time(1), data });

const bare = (event: TidingsEvent): TidingsEvent =>
  event.kind === 'message.sent' ? { ...event, data: { ...event.data, content: null } } : event;

test('what comes without content was recalled where an event says so, and is hidden else', () => {
  const log = append(emptyLog(0), [bare(said(1)), bare(said(2)), said(3), recalled(4, 'm2')]);
  const hidden = log.entries.map(entry => isHidden(entry, log, NOTHING_HIDDEN, 1));
  assert.deepEqual(hidden, [true, false, false]);
});

test('what a notice tells of is hidden, and so is everything before a place', () => {
  const log = append(emptyLog(0), [said(1), said(2), said(3), said(4)]);
  const conversation = CONVERSATION;
  let hidden = hiddenBy(
    NOTHING_HIDDEN,
    notice('message.hidden', { conversation, messages: ['m3'], seqs: [3] }),
  );
  hidden = hiddenBy(hidden, notice('conversation.cleared', { conversation, seq: 1 }));
  const first = (hidden.cleared.get(CONVERSATION) ?? 0) + 1;
  assert.deepEqual(
    log.entries.map(entry => isHidden(entry, log, hidden, first)),
    [true, false, true, false],
  );
  // The furthest counts.
  hidden = hiddenBy(hidden, notice('conversation.cleared', { conversation, seq: 9 }));
  hidden = hiddenBy(hidden, notice('conversation.cleared', { conversation, seq: 5 }));
  assert.equal(hidden.cleared.get(CONVERSATION), 9);
});

test('other notices hide nothing', () => {
  for (const [kind, data] of [
    ['conversation.muted', { conversation: CONVERSATION, on: true }],
    ['message.hidden', { conversation: CONVERSATION }],
    ['message.hidden', { messages: ['m1'] }],
    ['conversation.cleared', { conversation: CONVERSATION, seq: 'all' }],
    ['gap', { from: 1, to: 2 }],
  ] as const)
    assert.equal(hiddenBy(NOTHING_HIDDEN, notice(kind, data)), NOTHING_HIDDEN);
});
