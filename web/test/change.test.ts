import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pending, wanted, type Change } from '../src/chat/change.ts';
import type { MessageEntry } from '../src/chat/fold.ts';
import { append, cut, emptyLog } from '../src/chat/log.ts';
import { mayEdit, mayRecall, withText } from '../src/chat/nouns/message.ts';
import { isEmoji } from '../src/chat/nouns/reaction.ts';
import { UNMARKED } from '../src/chat/nouns/mark.ts';
import { initialState, withSummaries, type Conversation, type Role } from '../src/chat/store.ts';
import { BOB, CONVERSATION, ME, range, said, time } from './events.ts';

const message = (sender = ME): MessageEntry => {
  const [entry] = append(emptyLog(0), [said(1, sender)]).entries;
  assert.equal(entry?.kind, 'message');
  return entry as MessageEntry;
};

const asked = (change: object, more: Partial<Change> = {}): Change =>
  ({ id: 'x', message: 'm1', ...change, ...more }) as Change;

test('what was asked for is shown at once, and what failed is not', () => {
  const content = { kind: 'text', text: 'better' } as const;
  const edit = asked({ kind: 'edit', content });
  assert.deepEqual(wanted(message(), [edit], ME).content, content);
  assert.deepEqual(wanted(message(), [{ ...edit, reason: 'no' }], ME), message());
  assert.deepEqual(wanted(message(), [{ ...edit, message: 'm2' }], ME), message());
  assert.equal(wanted(message(), [asked({ kind: 'recall' })], ME).content, null);
  const on = asked({ kind: 'react', emoji: '👍', on: true });
  assert.deepEqual([...wanted(message(), [on], ME).reactions], [['👍', [ME]]]);
  const off = asked({ kind: 'react', emoji: '👍', on: false });
  assert.deepEqual([...wanted(message(), [on, off], ME).reactions], []);
});

test('a change is pending until the window has its event', () => {
  const log = append(emptyLog(0), range(1, 5));
  const seqs = [undefined, 5, 6].map(seq => asked({ kind: 'recall' }, seq === undefined ? {} : { seq }));
  assert.deepEqual(
    pending(seqs, log, 5).map(({ seq }) => seq),
    [undefined, 6],
  );
  // Where the newest is not loaded, the event is heard and the window does not come to it.
  const early = cut(log, 2);
  assert.equal(early.cut, true);
  assert.deepEqual(
    pending(seqs, early, 6).map(({ seq }) => seq),
    [undefined],
  );
});

const conversation = (kind: Conversation['kind'], roles: Record<string, Role>): Conversation => {
  const state = withSummaries(initialState(ME), [
    {
      id: CONVERSATION,
      kind,
      title: null,
      members: [ME, BOB],
      roles: new Map(Object.entries(roles)),
      lastSeq: 1,
      lastAt: time(1),
      unread: 0,
      mentioned: 0,
      unreadThreads: 0,
      settings: null,
      marks: UNMARKED,
      readSeq: 1,
      preview: null,
    },
  ]);
  return state.conversations.get(CONVERSATION)!;
};

test('who may edit and recall which message', () => {
  const me = initialState(ME);
  const { limits } = me;
  const at = Date.parse(time(1));
  const [minute, hour] = [60_000, 3_600_000];
  const direct = conversation('direct', {});
  const edits = (entry: MessageEntry, after: number) => mayEdit(entry, direct, me, limits, at + after);
  assert.ok(edits(message(), hour));
  assert.ok(!edits(message(), 4 * hour));
  assert.ok(!edits(message(BOB), minute));
  assert.ok(!edits({ ...message(), content: null }, minute));
  const ever = { ...limits, editWindowS: -1, recallWindowS: 0 };
  assert.ok(mayEdit(message(), direct, me, ever, at + 1_000 * hour));
  assert.ok(!mayRecall(message(), direct, ME, ever, at));

  const owned = conversation('group', { [ME]: 'owner' });
  assert.ok(mayEdit(message(), owned, me, limits, at + 1_000 * hour));
  assert.ok(!mayEdit(message(BOB), owned, me, limits, at + minute));
  assert.ok(!mayEdit(message(), owned, me, { ...limits, editWindowS: 0 }, at));
  assert.ok(!mayEdit(message(), conversation('group', { [ME]: 'admin' }), me, limits, at + 4 * hour));

  const recalls = (where: Conversation, sender: string, after: number) =>
    mayRecall(message(sender), where, ME, limits, at + after);
  assert.ok(recalls(direct, ME, minute));
  assert.ok(!recalls(direct, ME, hour));
  assert.ok(!recalls(conversation('direct', { [ME]: 'owner' }), BOB, minute));
  for (const [mine, theirs, expected] of [
    ['member', 'member', false],
    ['admin', 'member', true],
    ['admin', 'admin', false],
    ['admin', 'owner', false],
    ['owner', 'admin', true],
    ['owner', 'owner', true],
  ] as const) {
    const group = conversation('group', { [ME]: mine, [BOB]: theirs });
    assert.equal(recalls(group, BOB, hour), expected, `${mine} over ${theirs}`);
  }
  assert.ok(recalls(conversation('group', { [ME]: 'admin' }), ME, hour));
  assert.ok(!recalls(conversation('group', { [ME]: 'member' }), ME, hour));
  assert.ok(!recalls({ ...conversation('group', { [ME]: 'owner' }), joined: false }, BOB, minute));
});

test('what is one emoji', () => {
  for (const text of ['👍', '❤️', '👩‍👩‍👧‍👦', '🇨🇭', '✅', ':wave:', ':+1:']) assert.ok(isEmoji(text, 64), text);
  for (const text of ['', 'a', 'é', '👍👍', 'yes', '::', ':no space:', ' ', '\u0007']) {
    assert.ok(!isEmoji(text, 64), JSON.stringify(text));
  }
  assert.ok(!isEmoji('👩‍👩‍👧‍👦', 10));
});

test('an edit changes the text or the caption, and keeps the attachment', () => {
  assert.deepEqual(withText({ kind: 'text', text: 'a' }, 'b'), { kind: 'text', text: 'b' });
  const image = { kind: 'image', attachment: 'x', caption: 'a' } as const;
  assert.deepEqual(withText(image, 'b'), { kind: 'image', attachment: 'x', caption: 'b' });
  assert.deepEqual(withText(image, ''), { kind: 'image', attachment: 'x' });
});
