// What owners and admins see to in a group, as answers and events tell of it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readAddress } from '../src/chat/address.ts';
import { LAGS_MS } from '../src/chat/again.ts';
import type { Core } from '../src/chat/core.ts';
import { Governing } from '../src/chat/governing.ts';
import {
  answered,
  emptyGoverned,
  hear,
  isSilenced,
  isTold,
  listOf,
  opens,
  type Answers,
  type Governed,
  type InviteLink,
} from '../src/chat/nouns/governed.ts';
import { changed, USUAL } from '../src/chat/nouns/settings.ts';
import * as store from '../src/chat/store.ts';
import type { TidingsEvent } from '../src/protocol/frames.ts';
import { settle } from './browser.ts';
import { BOB, CONVERSATION, ME, time } from './events.ts';

const FOREVER = '2099-01-01T00:00:00.000Z';

const event = (seq: number, kind: string, data: object, actor = ME): TidingsEvent =>
  ({
    type: 'event',
    conversation: CONVERSATION,
    seq,
    actor,
    at: time(seq),
    kind,
    data,
  }) as unknown as TidingsEvent;

const link = (id: string, more: Partial<InviteLink> = {}): InviteLink => ({
  id,
  by: ME,
  at: time(1),
  until: FOREVER,
  uses: null,
  used: 0,
  ...more,
});

const withAnswers = (governed: Governed, answers: Answers): Governed =>
  answered(governed, { answers, next: {} }, false);

test('what was heard stands in the place of what an answer that lags says', () => {
  const ban = { user: BOB, by: ME, at: time(1), until: null, reason: 'spam' };
  let governed = emptyGoverned([event(5, 'member.unbanned', { user: BOB })]);
  governed = withAnswers(governed, { banned: [ban, { ...ban, user: 'cleo' }] });
  assert.deepEqual(
    listOf(governed, 'banned').map(({ user }) => user),
    ['cleo'],
  );
  governed = {
    ...governed,
    words: hear(governed.words, [event(6, 'member.banned', { user: BOB, reason: 'again' })]),
  };
  assert.deepEqual(
    listOf(governed, 'banned').map(({ user, reason }) => [user, reason]),
    [
      [BOB, 'again'],
      ['cleo', 'spam'],
    ],
  );
});

test('whoever comes in asks no more, and is invited no more once that is said', () => {
  const asks = hear(emptyGoverned([]).words, [
    event(1, 'join.requested', { user: BOB }, BOB),
    event(2, 'invitation.sent', { user: 'cleo', by: ME, until: FOREVER, name: 'walkers' }),
  ]);
  const governed = { ...emptyGoverned([]), words: asks };
  assert.deepEqual([listOf(governed, 'requests').length, listOf(governed, 'invitations').length], [1, 1]);
  const later = hear(asks, [
    event(3, 'member.added', { user: BOB, role: 'member' }),
    event(4, 'invitation.accepted', { user: 'cleo' }, 'cleo'),
  ]);
  const after = { ...governed, words: later };
  assert.deepEqual([listOf(after, 'requests').length, listOf(after, 'invitations').length], [0, 0]);
});

test('each inviter ends their own invitation, and an answer or an admin those of all', () => {
  const invited = (seq: number, by: string) =>
    event(seq, 'invitation.sent', { user: 'cleo', by, until: FOREVER, name: 'walkers' }, by);
  const at = '2026-01-01T00:00:00.000Z';
  const asked = { user: 'cleo', at, until: FOREVER };
  const answered = { invitations: ['dan', BOB].map(by => ({ ...asked, by })) };
  const shown = (events: Parameters<typeof hear>[1]) => {
    const governed = {
      ...emptyGoverned([]),
      answers: answered,
      words: hear(emptyGoverned([]).words, events),
    };
    return listOf(governed, 'invitations').map(({ by }) => by);
  };
  assert.deepEqual(shown([invited(1, ME), invited(2, BOB)]), ['dan', BOB, ME]);
  const own = event(3, 'invitation.withdrawn', { user: 'cleo', by: BOB }, BOB);
  assert.deepEqual(shown([invited(1, ME), own]), ['dan', ME]);
  const all = event(4, 'invitation.withdrawn', { user: 'cleo' });
  assert.deepEqual(shown([invited(1, ME), own, all]), []);
  assert.deepEqual(shown([invited(1, ME), all, invited(5, BOB)]), [BOB]);
  const declined = event(6, 'invitation.declined', { user: 'cleo' }, 'cleo');
  assert.deepEqual(shown([declined]), []);
});

test('a link is used as often as the answer or the events say, whichever is more', () => {
  const made = event(1, 'link.created', { link: 'l1', by: ME, until: FOREVER, uses: 2 });
  const used = event(2, 'member.added', { user: BOB, role: 'member', link: 'l1' });
  const governed = withAnswers(emptyGoverned([made, used]), { links: [link('l1', { uses: 2, used: 2 })] });
  const [only] = listOf(governed, 'links');
  assert.equal(only?.used, 2);
  assert.ok(!opens(only!, 0));
  const behind = withAnswers(governed, { links: [link('l1', { uses: 2 })] });
  assert.equal(listOf(behind, 'links')[0]?.used, 1);
  assert.ok(!opens(link('l2', { until: time(1) }), Date.parse(time(2))));
});

test('a second page goes behind the first, and another first page takes its place', () => {
  const first = answered(emptyGoverned([]), { answers: { links: [link('a')] }, next: { links: 'x' } }, false);
  assert.equal(first.next.links, 'x');
  const both = answered(first, { answers: { links: [link('b')] }, next: {} }, true);
  assert.deepEqual([both.answers.links?.map(({ id }) => id), both.next.links], [['a', 'b'], undefined]);
  const anew = answered(both, { answers: { links: [link('c')] }, next: {} }, false);
  assert.deepEqual(
    anew.answers.links?.map(({ id }) => id),
    ['c'],
  );
});

test('a mute that is over silences nobody', () => {
  const muted = emptyGoverned([event(1, 'member.muted', { user: BOB, on: true, until: time(100) })]);
  assert.ok(isSilenced(muted, BOB, Date.parse(time(99))));
  assert.ok(!isSilenced(muted, BOB, Date.parse(time(101))));
  const ended = { ...muted, words: hear(muted.words, [event(2, 'member.muted', { user: BOB, on: false })]) };
  assert.ok(!isSilenced(ended, BOB, Date.parse(time(3))));
});

test('only settings that become others are sent', () => {
  assert.deepEqual(changed(USUAL, { ...USUAL, post: 'admins', slow_s: 30 }), { post: 'admins', slow_s: 30 });
  assert.deepEqual(changed(USUAL, USUAL), {});
});

test('an address names a conversation or a way into a group', () => {
  assert.deepEqual(readAddress('#c1'), { kind: 'conversation', id: 'c1' });
  assert.deepEqual(readAddress('#link/a%2Bb'), { kind: 'link', secret: 'a+b' });
  assert.deepEqual(readAddress('#ask/c1'), { kind: 'ask', conversation: 'c1' });
  for (const nothing of ['', '#', '#link/', '#other/x']) assert.equal(readAddress(nothing), null);
});

/** A page that shows one group, and a server whose answers the test gives. */
function page(role: store.Role = 'member') {
  const answers: ((found: Record<string, unknown> | null) => void)[] = [];
  const asked: Record<string, unknown>[] = [];
  const sent: object[] = [];
  const summary = {
    id: CONVERSATION,
    kind: 'group',
    title: 'walkers',
    members: [ME, BOB],
    roles: new Map([[ME, role]]),
    settings: null,
    lastSeq: 1,
    lastAt: time(1),
  };
  const core = {
    closed: false,
    state: store.withSummaries({ ...store.initialState(ME), selected: CONVERSATION as string | null }, [
      summary as unknown as store.Summary,
    ]),
    update(next: (state: store.State) => store.State) {
      core.state = next(core.state);
    },
    ask: (_: string, variables: Record<string, unknown>) => {
      asked.push(variables);
      return new Promise((resolve, reject) =>
        answers.push(found => (found ? resolve({ conversation: found }) : reject(new Error('busy')))),
      );
    },
    socket: {
      command: (body: object) => {
        sent.push(body);
        return Promise.resolve({ data: { secret: 's3' } });
      },
    },
  };
  const find = (username: string) => Promise.resolve({ id: `id of ${username}`, username, displayName: '' });
  const governing = new Governing(core as unknown as Core, find);
  const hear = (...events: TidingsEvent[]): void => {
    core.update(state => store.withEvents(state, events));
    governing.heard(events);
  };
  const shown = () => core.state.conversations.get(CONVERSATION)!.governed;
  const select = (selected: string | null) => core.update(state => ({ ...state, selected }));
  return { governing, answers, asked, sent, hear, select, shown };
}

const listed = (...users: string[]) => ({
  nodes: users.map(user => ({ at: time(1), user: { id: user, username: user, displayName: user } })),
  pageInfo: { hasNextPage: false, endCursor: null },
});

test('lists that are not shown to somebody are told by what happens alone', async () => {
  const { governing, answers, shown } = page();
  const opening = governing.open(CONVERSATION);
  assert.equal(shown()?.state, 'loading');
  answers[0]!({ muted: listed(), banned: null, links: null, requests: null, invitations: null });
  await opening;
  assert.deepEqual([shown()!.state, listOf(shown()!, 'requests')], ['idle', []]);
  governing.heard([event(2, 'join.requested', { user: BOB }, BOB)]);
  assert.deepEqual(
    listOf(shown()!, 'requests').map(({ user }) => user),
    [BOB],
  );
  governing.close(CONVERSATION);
  assert.equal(shown(), null);
});

test('whoever becomes an admin is told what admins see, as soon as the read models know', async t => {
  t.mock.timers.enable({ apis: ['setTimeout', 'setInterval'] });
  const { governing, answers, hear, shown } = page();
  const untold = { muted: listed(), banned: null, links: null, requests: null, invitations: null };
  const others = { links: listed(), requests: listed(), invitations: listed() };
  const told = { ...untold, ...others, banned: listed('cleo') };
  void governing.open(CONVERSATION);
  answers[0]!(untold);
  await settle();
  assert.deepEqual([shown()!.state, isTold(shown()!, 'banned')], ['idle', false]);
  hear(event(2, 'join.requested', { user: BOB }, BOB));
  hear(event(3, 'role.changed', { user: ME, role: 'admin' }, BOB));
  answers[1]!(untold);
  await settle();
  assert.deepEqual([shown()!.state, isTold(shown()!, 'banned')], ['loading', false]);
  t.mock.timers.tick(1_500);
  await settle();
  answers[2]!(told);
  await settle();
  assert.deepEqual(
    [shown()!.state, listOf(shown()!, 'banned').length, listOf(shown()!, 'requests').length],
    ['idle', 1, 1],
  );
  // And who is none any more is not shown what they were told.
  hear(event(4, 'role.changed', { user: ME, role: 'member' }, BOB));
  answers[3]!(untold);
  await settle();
  assert.deepEqual([shown()!.state, isTold(shown()!, 'banned')], ['idle', false]);
});

test('however many come in by links, their uses are asked for one after the other, while somebody looks', async t => {
  t.mock.timers.enable({ apis: ['setTimeout', 'setInterval'] });
  const { governing, answers, hear, select, shown } = page();
  const joined = (seq: number): void =>
    hear(event(seq, 'member.added', { user: `u${seq}`, role: 'member', link: 'l1' }));
  const used = (count: number) => ({
    links: { ...listed(), nodes: [{ ...link('l1', { used: count }), by: undefined }] },
  });
  const pass = async (ms: number): Promise<void> => {
    t.mock.timers.tick(ms);
    await settle();
  };
  void governing.open(CONVERSATION);
  answers[0]!(used(0));
  await settle();
  for (let seq = 2; seq < 40; seq++) joined(seq);
  await pass(1_500);
  assert.equal(answers.length, 2);
  answers[1]!(used(5));
  await settle();
  await pass(3_900);
  // Another one: it is waited for from the beginning.
  joined(40);
  await pass(100);
  await pass(1_500);
  answers[2]!(used(20));
  await settle();
  for (const ms of LAGS_MS.slice(1)) {
    await pass(ms);
    answers.at(-1)!(used(39));
    await settle();
  }
  await pass(60_000);
  assert.deepEqual([answers.length, listOf(shown()!, 'links')[0]?.used], [6, 39]);
  // While another conversation is shown, nobody asks; and then once.
  select('c2');
  joined(41);
  await pass(60_000);
  assert.equal(answers.length, 6);
  select(CONVERSATION);
  governing.look(CONVERSATION);
  await pass(1_500);
  assert.equal(answers.length, 7);
});

test('links that somebody has gone on to are shown as well when their uses are counted again', async t => {
  t.mock.timers.enable({ apis: ['setTimeout', 'setInterval'] });
  const { governing, answers, asked, hear, shown } = page();
  const links = (ids: readonly string[], used: number, next: string | null) => ({
    links: {
      nodes: ids.map(id => ({ ...link(id, { used }), by: undefined })),
      pageInfo: { hasNextPage: next !== null, endCursor: next },
    },
  });
  void governing.open(CONVERSATION);
  answers[0]!(links(['a', 'b'], 0, 'x'));
  await settle();
  const more = governing.more(CONVERSATION, 'links');
  answers[1]!(links(['c'], 0, 'y'));
  await more;
  hear(event(2, 'member.added', { user: BOB, role: 'member', link: 'a' }));
  t.mock.timers.tick(1_500);
  await settle();
  answers[2]!(links(['a', 'b'], 1, 'x'));
  await settle();
  answers[3]!(links(['c'], 1, 'y'));
  await settle();
  assert.deepEqual(
    listOf(shown()!, 'links').map(({ id, used }) => [id, used]),
    [
      ['a', 1],
      ['b', 1],
      ['c', 1],
    ],
  );
  assert.deepEqual([shown()!.next.links, asked[3]], ['y', { id: CONVERSATION, links: 'x' }]);
});

test('all who are muted are loaded, up to a bound', async () => {
  const { governing, answers, asked, shown } = page();
  const muted = (count: number, after: string | null) => ({
    muted: {
      nodes: listed(...Array.from({ length: count }, (_, n) => `${after}-${n}`)).nodes,
      pageInfo: { hasNextPage: after !== null, endCursor: after },
    },
  });
  void governing.open(CONVERSATION);
  answers[0]!(muted(50, 'a'));
  await settle();
  answers[1]!(muted(50, 'b'));
  await settle();
  assert.deepEqual(asked.slice(1), [
    { id: CONVERSATION, muted: 'a' },
    { id: CONVERSATION, muted: 'b' },
  ]);
  assert.equal(shown()!.state, 'loading');
  answers[2]!(muted(7, null));
  await settle();
  assert.deepEqual([shown()!.state, listOf(shown()!, 'muted').length], ['idle', 107]);
  governing.missed(CONVERSATION);
  for (let turn = 3; turn < answers.length; turn++) {
    answers[turn]!(muted(50, `c${turn}`));
    await settle();
  }
  assert.deepEqual([shown()!.state, listOf(shown()!, 'muted').length], ['idle', 1_000]);
});

test('what cannot be had is asked for again, and then said', async t => {
  t.mock.timers.enable({ apis: ['setTimeout', 'setInterval'] });
  const { governing, answers, shown } = page();
  const opening = governing.open(CONVERSATION);
  for (const [turn, lag] of [...LAGS_MS, 0].entries()) {
    assert.equal(shown()?.state, 'loading');
    answers[turn]!(null);
    await settle();
    t.mock.timers.tick(lag);
    await settle();
  }
  await opening;
  assert.equal(shown()?.state, 'failed');
  governing.retry(CONVERSATION);
  answers[LAGS_MS.length + 1]!({ requests: listed('cleo') });
  await settle();
  assert.deepEqual([shown()!.state, listOf(shown()!, 'requests').length], ['idle', 1]);
});

test('an answer from before a pane was opened again says nothing in it', async () => {
  const { governing, answers, shown } = page();
  void governing.open(CONVERSATION);
  answers[0]!({ requests: { ...listed('ada'), pageInfo: { hasNextPage: true, endCursor: 'x' } } });
  await settle();
  const more = governing.more(CONVERSATION, 'requests');
  governing.close(CONVERSATION);
  void governing.open(CONVERSATION);
  answers[1]!({ requests: listed('before') });
  await more;
  assert.deepEqual([shown()!.state, listOf(shown()!, 'requests')], ['loading', []]);
  // The load before a gap, and the one behind it.
  governing.missed(CONVERSATION);
  answers[2]!({ requests: listed('before') });
  await settle();
  assert.deepEqual([shown()!.state, listOf(shown()!, 'requests')], ['loading', []]);
  answers[3]!({ requests: listed('cleo') });
  await settle();
  assert.deepEqual(
    [shown()!.state, listOf(shown()!, 'requests').map(({ user }) => user)],
    ['idle', ['cleo']],
  );
});

test('people are invited by their names, and a link is told once', async () => {
  const { governing, sent } = page();
  await governing.invite(CONVERSATION, 'cleo');
  assert.equal(await governing.makeLink(CONVERSATION, 3_600, null), 's3');
  await governing.ban(CONVERSATION, BOB, '');
  assert.deepEqual(sent, [
    { type: 'group.invite', conversation: CONVERSATION, user: 'id of cleo' },
    { type: 'group.link.create', conversation: CONVERSATION, expires_in_s: 3_600 },
    { type: 'group.ban', conversation: CONVERSATION, user: BOB },
  ]);
});
