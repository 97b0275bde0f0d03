// What somebody is told beside messages, once, and until they have read it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Core } from '../src/chat/core.ts';
import { Notices } from '../src/chat/notices.ts';
import { KEPT_MAX, ofEvent, ofNotice, together, toldText } from '../src/chat/nouns/notice.ts';
import * as store from '../src/chat/store.ts';
import type { Notice, TidingsEvent } from '../src/protocol/frames.ts';
import * as storage from '../src/shared/storage.ts';
import { browser } from './browser.ts';
import { BOB, CONVERSATION, ME, recalled, said, time } from './events.ts';

const notice = (seq: number, kind: string, data: object): Notice => ({
  type: 'notice',
  seq,
  kind,
  at: time(seq),
  data,
});
const announced = (seq: number): Notice =>
  notice(seq, 'announcement', { id: `a${seq}`, text: `news ${seq}`, at: time(seq) });

/** A browser that keeps things, and a server that answers how far notices are read. */
function page(readElsewhere = 0) {
  const stored = browser(() => ({ body: {} }));
  const reads: number[] = [];
  const core = {
    closed: false,
    state: store.initialState(ME),
    update: (next: (state: store.State) => store.State) => void (core.state = next(core.state)),
    socket: {
      command: ({ seq }: { seq: number }) => {
        reads.push(seq);
        return Promise.resolve({ seq: Math.max(seq, readElsewhere) });
      },
    },
  };
  const opened = (): Notices => {
    core.state = store.initialState(ME);
    const notices = new Notices(core as unknown as Core, () => 'mine');
    notices.start();
    return notices;
  };
  const unread = () => core.state.notices.told.flatMap(({ key, read }) => (read ? [] : [key]));
  return { stored, core, reads, opened, unread };
}

test('what was told is there after a reload, and what was read is read', async () => {
  const { reads, opened, unread } = page();
  let notices = opened();
  for (const seq of [4, 5]) notices.noticed(announced(seq));
  await notices.reconnected();
  assert.deepEqual(unread(), ['a5', 'a4']);
  notices.read([...notices['core'].state.notices.told].filter(({ key }) => key === 'a4'));
  notices = opened();
  assert.deepEqual(unread(), ['a5']);
  // It may come again where its place was not stored in time.
  notices.noticed(announced(4));
  assert.deepEqual(unread(), ['a5']);
  notices.read();
  assert.deepEqual(reads, [1, 4, 5]);
});

test('what was read on another device is not new here', async () => {
  const { opened, unread, core } = page(6);
  const notices = opened();
  for (const seq of [5, 6, 7]) notices.noticed(announced(seq));
  assert.ok(!core.state.notices.known);
  await notices.reconnected();
  assert.deepEqual([unread(), core.state.notices.known], [['a7'], true]);
});

test('the server is not told that an announcement is read before one that is not', async () => {
  const { reads, opened, core } = page();
  const notices = opened();
  for (const seq of [4, 5]) notices.noticed(announced(seq));
  notices.read(core.state.notices.told.filter(({ key }) => key === 'a5'));
  assert.deepEqual(reads, [3]);
});

test('whoever signs out leaves nothing behind', () => {
  const { stored, opened } = page();
  const notices = opened();
  notices.noticed(announced(4));
  assert.ok(stored.stored.has(`tidings.notices.${ME}`));
  storage.forget(ME);
  notices.forget();
  notices.noticed(announced(5));
  assert.ok(!stored.stored.has(`tidings.notices.${ME}`));
});

test('one is told of what others do, and not of what one does oneself', () => {
  const asks = notice(1, 'contact.requested', { user: BOB, by: BOB });
  assert.equal(toldText(ofNotice(asks, ME)!, 'Bob', ''), 'Bob asks you to be a contact');
  assert.equal(ofNotice(notice(1, 'contact.requested', { user: BOB, by: ME }), ME), null);
  const ended = (outcome: string) => notice(2, 'invitation.ended', { conversation: 'c2', outcome });
  assert.equal(ofNotice(ended('accepted'), ME), null);
  assert.equal(toldText(ofNotice(ended('withdrawn'), ME)!, '', 'it'), 'You are no longer invited to it');
  const byBob = notice(3, 'invitation.ended', { conversation: 'c2', outcome: 'withdrawn', by: BOB });
  assert.equal(toldText(ofNotice(byBob, ME)!, 'Bob', 'it'), 'Bob no longer invites you to it');
  assert.equal(ofNotice(notice(3, 'conversation.muted', {}), ME), null);
});

test('one is told who asks to be let in, and what the answer to oneself was', () => {
  const asks = ofNotice(notice(1, 'group.asked', { conversation: 'c2', user: BOB, until: time(9) }), ME)!;
  assert.equal(toldText(asks, 'Bob', 'walkers'), 'Bob asks to be let into walkers');
  assert.deepEqual([asks.by, asks.conversation, asks.leads], [BOB, 'c2', 'requests']);
  assert.equal(ofNotice(notice(2, 'group.answered', { conversation: 'c2' }), ME), null);
  const answered = (approved: boolean) =>
    ofNotice(notice(3, 'join.answered', { conversation: 'c2', approved }), ME)!;
  assert.equal(toldText(answered(true), '', 'walkers'), 'You were let into walkers');
  assert.equal(toldText(answered(false), '', 'a group'), 'You were not let into a group');
  assert.deepEqual([answered(true).leads, answered(false).leads], ['conversation', undefined]);
});

test('one is told of one’s account, and not of one’s own sign-in', () => {
  const account = (data: object) => ofNotice(notice(1, 'account', data), ME, 'mine');
  const text = (data: object) => toldText(account(data)!, '', '');
  const signedIn = { matter: 'signed_in', session: 'another', device: 'a {by} phone' };
  assert.equal(text(signedIn), 'Somebody signed in to your account: a {by} phone');
  assert.equal(account(signedIn)?.leads, 'sessions');
  assert.equal(account({ ...signedIn, session: 'mine' }), null);
  assert.equal(text({ matter: 'password_changed' }), 'Your password was changed');
  const roles = { matter: 'roles_changed', granted: ['moderator', 'bot'], taken: ['admin'] };
  assert.equal(text(roles), 'You were given: moderator, bot. Taken from you: admin.');
  assert.equal(text({ matter: 'reinstated' }), 'Your account is no longer suspended');
  // Of a later server.
  for (const data of [{ matter: 'moved_house' }, { matter: 'roles_changed' }, {}])
    assert.equal(account(data), null);
});

test('one is told when a message of one’s own is taken back by somebody else, and why', () => {
  const state = store.withEvents(store.initialState(ME), [said(1, ME), said(2, BOB)]);
  const { entries } = state.conversations.get(CONVERSATION)!.log!;
  const back = (message: string, actor: string): TidingsEvent =>
    ({ ...recalled(3, message), actor, data: { message, message_seq: 1, reason: 'spam' } }) as TidingsEvent;
  const told = ofEvent(back('m1', BOB), ME, entries);
  assert.equal(toldText(told!, 'Bob', 'walkers'), 'Bob took back a message of yours in walkers: spam');
  assert.equal(ofEvent(back('m2', BOB), ME, entries), null);
  assert.equal(ofEvent(back('m1', ME), ME, entries), null);
});

test('names are put into places, whatever they look like, and the newest are kept', () => {
  const told = ofNotice(notice(1, 'group.invited', { by: BOB, name: '{by} $& {where}' }), ME)!;
  assert.equal(toldText(told, 'B', told.group!), 'B invites you to {by} $& {where}');
  const many = Array.from({ length: KEPT_MAX + 5 }, (_, i) => ofNotice(announced(i + 1), ME)!);
  const kept = together(many, []);
  assert.deepEqual([kept.length, kept[0]?.seq, kept.at(-1)?.seq], [KEPT_MAX, KEPT_MAX + 5, 6]);
});
