import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Chat } from '../src/chat/chat.ts';
import { countText } from '../src/chat/nouns/group.ts';
import { UNMARKED } from '../src/chat/nouns/mark.ts';
import * as store from '../src/chat/store.ts';
import { browser, settle, type Browser } from './browser.ts';
import { BOB, CONVERSATION, edited, left, ME, opened, range, recalled, said, time } from './events.ts';
import { Peer } from './peer.ts';

const person = (id: string) => ({ id, username: id, displayName: id });

const node = (lastSeq: number, more: object = {}) => ({
  id: CONVERSATION,
  kind: 'DIRECT',
  title: null,
  myRole: 'MEMBER',
  lastSeq,
  lastActivityAt: time(lastSeq),
  lastReadSeq: lastSeq,
  unreadCount: 0,
  mentionCount: 0,
  unreadThreads: 0,
  muted: false,
  mutedUntil: null,
  archived: false,
  markedUnread: false,
  lastMessage: null,
  members: { nodes: [ME, BOB].map(id => ({ role: 'MEMBER', user: person(id) })) },
  ...more,
});

type Asked = (query: string, variables: Record<string, unknown>) => object | null;

interface Page {
  page: Browser;
  chat: Chat;
  peer: Peer;
  /** All connections that the page has made, the one above first. */
  peers: Peer[];
  ended: string[];
}

/** A signed-in person's page that is online, with the conversations that the list names. */
async function online(
  nodes: object[],
  conversation: () => object | null = () => null,
  other: Asked = () => ({}),
  /** How far the server's clock is ahead. */
  aheadMs = 0,
): Promise<Page> {
  const page = browser((_, { query, variables }) => {
    const text = String(query);
    if (text.startsWith('query Conversations')) {
      const pageInfo = { hasNextPage: false, endCursor: null };
      return { body: { data: { me: person(ME), conversations: { nodes, pageInfo } } } };
    }
    if (text.startsWith('query Conversation(')) return { body: { data: { conversation: conversation() } } };
    const data = other(text, variables as Record<string, unknown>);
    return data ? { body: { data } } : { status: 503, body: { code: 'unavailable' } };
  });
  const peers: Peer[] = [];
  Object.defineProperty(globalThis, 'WebSocket', {
    configurable: true,
    value: function () {
      const peer = new Peer();
      peers.push(peer);
      return peer.socket;
    },
  });
  const login = {
    user: ME,
    username: ME,
    token: 't',
    refresh_token: 'r',
    expires_at: new Date(Date.now() + 3_600_000).toISOString(),
  };
  page.stored.set('tidings.session', JSON.stringify(login));
  const ended: string[] = [];
  const chat = new Chat(login, reason => ended.push(reason));
  for (let i = 0; i < 20 && peers.length === 0; i++) {
    await new Promise(resolve => setImmediate(resolve));
    await settle();
  }
  const peer = peers[0]!;
  peer.opens();
  const welcome = {
    type: 'welcome',
    heartbeat_ms: 25_000,
    time: new Date(Date.now() + aheadMs).toISOString(),
  };
  peer.says(welcome, { type: 'synced' });
  await settle();
  return { page, chat, peer, peers, ended };
}

const commands = (peer: Peer, type: string) => peer.taken().filter(frame => frame.type === type);
const real = (): Promise<void> => new Promise(resolve => setImmediate(resolve));

test('reads are gathered, and one that had no answer is told again', async () => {
  const { page, chat, peer } = await online([node(1)]);
  chat.select(CONVERSATION);
  await settle();
  peer.taken();
  for (const event of range(2, 6)) {
    peer.says(event);
    await page.pass(50);
  }
  assert.deepEqual(commands(peer, 'read'), []);
  await page.pass(1_000);
  const [read, ...more] = commands(peer, 'read');
  assert.deepEqual([read!.conversation, read!.seq, more.length], [CONVERSATION, 6, 0]);
  // No answer comes within the time that commands have, though the connection stands.
  for (let i = 0; i < 31; i++) {
    await page.pass(1_000);
    peer.says({ type: 'pong' });
  }
  await page.pass(6_000);
  assert.deepEqual(
    commands(peer, 'read').map(({ seq }) => seq),
    [6],
  );
  chat.close();
});

test('a conversation that is not shown to this person any more is not asked for for ever', async () => {
  const { page, chat, peer } = await online([]);
  peer.says(said(5));
  const asked = () =>
    page.calls.filter(({ body }) => String(body['query']).startsWith('query Conversation(')).length;
  for (let i = 0; i < 60; i++) {
    // Read models may lag for three quarters of a minute.
    if (i < 45) assert.ok(chat.state.conversations.get(CONVERSATION)?.joined);
    await page.pass(1_000);
    await real();
  }
  const before = asked();
  assert.ok(before >= 2 && before <= 12, String(before));
  assert.equal(chat.state.conversations.get(CONVERSATION)?.joined, false);
  peer.says(said(6), left(7, ME));
  for (let i = 0; i < 20; i++) {
    await page.pass(1_000);
    await real();
  }
  assert.equal(asked(), before);
  chat.close();
});

test('history that this person may not see is asked for once', async () => {
  const { page, chat, peer } = await online([node(400)]);
  chat.select(CONVERSATION);
  await settle();
  const [fetch] = commands(peer, 'fetch');
  peer.says({ type: 'error', id: fetch!.id, code: 'not_a_member', message: 'no', retryable: false });
  await settle();
  assert.equal(chat.state.conversations.get(CONVERSATION)?.history, 'closed');
  await chat.loadOlder(CONVERSATION);
  await page.pass(5_000);
  assert.deepEqual(commands(peer, 'fetch'), []);
  chat.close();
});

/** Time passes, and the connection stands. */
async function stands({ page, peer }: Pick<Page, 'page' | 'peer'>, seconds: number): Promise<void> {
  for (let second = 0; second < seconds; second++) {
    await page.pass(1_000);
    peer.says({ type: 'pong' });
  }
}

test('what could not be loaded is loaded with the next connection', async () => {
  const here = await online([node(400)]);
  const { chat, peer } = here;
  const history = () => chat.state.conversations.get(CONVERSATION)!.history;
  chat.select(CONVERSATION);
  await settle();
  assert.equal(commands(peer, 'fetch').length, 1);
  await stands(here, 31);
  assert.equal(history(), 'failed');
  assert.equal(commands(peer, 'fetch').length, 0);
  peer.says({ type: 'synced' });
  await settle();
  assert.deepEqual([commands(peer, 'fetch').length, history()], [1, 'loading']);
  // A place that somebody wanted to see, too.
  chat.goTo(CONVERSATION, 100);
  await settle();
  await stands(here, 31);
  assert.deepEqual([commands(peer, 'fetch').length, history()], [1, 'failed']);
  peer.says({ type: 'synced' });
  await settle();
  assert.ok(commands(peer, 'fetch').some(({ from }) => from === 50));
  chat.close();
});

test('whether a message was read is asked for until the read models know, and no more', async () => {
  const users = (ids: string[]) => ({ nodes: ids.map(id => ({ user: { id } })) });
  let read: string[] | null = null;
  const here = await online([node(3)], undefined, query => {
    if (!query.includes('seenBy')) return {};
    return read && { m0: { seenBy: users(read), deliveredTo: users([]) } };
  });
  const { page, chat, peer } = here;
  const asked = () => page.calls.filter(({ body }) => String(body['query']).includes('seenBy')).length;
  peer.says(said(4, ME));
  chat.select(CONVERSATION);
  await settle();
  const [fetch] = commands(peer, 'fetch');
  peer.says({ type: 'events', id: fetch!.id, conversation: CONVERSATION, events: range(1, 3), more: false });
  const later = async (seconds: number): Promise<void> => {
    for (let second = 0; second < seconds; second++) {
      await real();
      await stands(here, 1);
    }
    await real();
  };
  await later(3);
  assert.ok(asked() >= 1);
  read = [];
  await later(4);
  assert.deepEqual([...chat.state.conversations.get(CONVERSATION)!.reads], []);
  read = [BOB];
  await later(15);
  assert.deepEqual([...chat.state.conversations.get(CONVERSATION)!.reads], [[BOB, 4]]);
  const before = asked();
  assert.ok(before <= 4, String(before));
  await later(30);
  assert.equal(asked(), before);
  chat.close();
});

test('a thread shows what is known of it while read models lag, and whether one follows it as one said', async () => {
  const user = person(BOB);
  const message = (seq: number, thread: string | null) => ({
    ...{ id: `m${seq}`, seq, sentAt: time(seq), kind: 'TEXT', text: `text ${seq}`, thread, sender: user },
    ...{ recalledAt: null, editedAt: null, pinned: false, also: false, replyCount: 0, replyTo: null },
    ...{ mentions: [], everyone: false, forwarded: null, attachment: null, reactions: [] },
  });
  const pageInfo = { hasPreviousPage: false, startCursor: null };
  let thread: object | null = null;
  const here = await online([node(1, { kind: 'GROUP' })], undefined, query =>
    query.startsWith('query Thread(') ? { conversation: { thread } } : {},
  );
  const { chat, peer } = here;
  const reply = (seq: number) => {
    const event = said(seq);
    return event.kind === 'message.sent' ? { ...event, data: { ...event.data, thread: 'm2' } } : event;
  };
  peer.says(said(2), reply(3), reply(4));
  chat.select(CONVERSATION);
  const shown = () => chat.state.conversations.get(CONVERSATION)!.thread!;
  const seqs = () => shown().entries.map(({ seq }) => seq);
  const later = async (seconds: number): Promise<void> => {
    for (let second = 0; second < seconds; second++) {
      await real();
      await stands(here, 1);
    }
    await real();
  };
  void chat.threads.open(CONVERSATION, 'm2');
  await later(3);
  assert.deepEqual([seqs(), shown().state], [[2, 3, 4], 'loading']);
  // The root is known by now, and one reply.
  const page = (following: boolean) => ({
    following,
    root: message(2, null),
    replies: { nodes: [message(3, 'm2')], pageInfo },
  });
  thread = page(false);
  await later(3);
  assert.deepEqual([seqs(), shown().state, shown().following], [[2, 3, 4], 'idle', false]);
  // While it is being asked again, this person says what they want.
  thread = { ...page(true), replies: { nodes: [3, 4].map(seq => message(seq, 'm2')), pageInfo } };
  const following = chat.threads.follow(CONVERSATION, 'm2', false);
  const [command] = commands(peer, 'thread.follow');
  peer.says({
    type: 'ack',
    id: command!.id,
    conversation: CONVERSATION,
    seq: 4,
    position: '0:9',
    at: time(9),
  });
  await following;
  await later(3);
  assert.equal(shown().following, false);
  // Events that will not come are asked for.
  thread = { ...page(false), replies: { nodes: [3, 4, 5].map(seq => message(seq, 'm2')), pageInfo } };
  peer.says({ type: 'gap', conversation: CONVERSATION, from: 5, to: 6 });
  await later(1);
  assert.deepEqual(seqs(), [2, 3, 4, 5]);
  chat.close();
});

test('what somebody hides is asked for until the read models know, also behind an answer that came too late', async () => {
  const list = [node(5, { lastReadSeq: 1, unreadCount: 3 })];
  const here = await online(list, () => list[0]!);
  const { page, chat, peer } = here;
  const unread = () => chat.state.conversations.get(CONVERSATION)!.unread;
  const asked = () =>
    page.calls.filter(({ body }) => String(body['query']).startsWith('query Conversation(')).length;
  const later = async (seconds: number): Promise<void> => {
    for (let second = 0; second < seconds; second++) {
      await real();
      await stands(here, 1);
    }
    await real();
  };
  const data = { conversation: CONVERSATION, messages: ['m5'] };
  peer.says({ type: 'notice', seq: 1, kind: 'message.hidden', at: time(6), data });
  await later(3);
  assert.deepEqual([unread(), asked()], [3, 1]);
  list[0] = node(5, { lastReadSeq: 1, unreadCount: 2 });
  await later(60);
  assert.deepEqual([unread(), asked()], [2, 4]);
  // An event that comes before the answer to what was acked.
  list[0] = node(5, { lastReadSeq: 1, unreadCount: 1 });
  const hiding = chat.hiding.hide(CONVERSATION, 'm4');
  const [command] = commands(peer, 'message.hide');
  peer.says({
    type: 'ack',
    id: command!.id,
    conversation: CONVERSATION,
    seq: 5,
    position: '0:7',
    at: time(7),
  });
  await hiding;
  peer.says(said(6));
  await later(1);
  assert.equal(unread(), 3);
  list[0] = node(6, { lastReadSeq: 1, unreadCount: 2 });
  await later(20);
  assert.equal(unread(), 2);
  chat.close();
});

test('what was read elsewhere without a connection is known with the next one', async () => {
  const nodes = [node(5, { lastReadSeq: 2, unreadCount: 3 })];
  const here = await online(nodes);
  const { chat, peer } = here;
  const unread = () => chat.state.conversations.get(CONVERSATION)!.unread;
  assert.equal(unread(), 3);
  nodes[0] = node(5);
  peer.says({ type: 'synced' });
  await real();
  await stands(here, 1);
  assert.equal(unread(), 0);
  chat.close();
});

test('what a summary alone tells to be unread counts as read where somebody looks at it', async () => {
  const nodes = [node(2)];
  const here = await online(nodes);
  const { chat, peer } = here;
  chat.select(CONVERSATION);
  chat.viewing(true);
  await real();
  assert.deepEqual(commands(peer, 'read'), []);
  // As behind a gap with which no event comes.
  nodes[0] = node(6, { lastReadSeq: 2, unreadCount: 4 });
  peer.says({ type: 'synced' });
  await real();
  await stands(here, 2);
  assert.equal(chat.state.conversations.get(CONVERSATION)!.unread, 0);
  await stands(here, 1);
  const reads = commands(peer, 'read');
  assert.deepEqual(
    reads.map(({ seq }) => seq),
    [6],
  );
  chat.close();
});

test('people who are not known yet, or without an answer, are asked for again', async () => {
  let broken = true;
  const stranger = { id: BOB, username: BOB, displayName: 'Unknown' };
  const members = {
    nodes: [
      { role: 'MEMBER', user: person(ME) },
      { role: 'MEMBER', user: stranger },
    ],
  };
  const here = await online([node(1, { members })], undefined, query => {
    if (!query.startsWith('query People')) return {};
    return broken ? null : { u0: { id: BOB, username: 'bob-1', displayName: 'Bob' } };
  });
  const name = () => store.personName(here.chat.state, BOB);
  await real();
  assert.equal(name(), 'Somebody');
  broken = false;
  for (let second = 0; second < 6; second++) {
    await stands(here, 1);
    await real();
  }
  assert.equal(name(), 'Bob');
  here.chat.close();
});

test('of two loadings, the one that was begun last says what came of it', async () => {
  const { chat, peer } = await online([node(400)]);
  const history = () => chat.state.conversations.get(CONVERSATION)!.history;
  chat.select(CONVERSATION);
  await settle();
  const [newest] = commands(peer, 'fetch');
  chat.goTo(CONVERSATION, 100);
  await settle();
  const [around] = commands(peer, 'fetch');
  const refusal = { type: 'error', code: 'invalid_argument', message: 'no', retryable: false };
  peer.says({ ...refusal, id: around!.id });
  await settle();
  assert.equal(history(), 'failed');
  peer.says({
    type: 'events',
    id: newest!.id,
    conversation: CONVERSATION,
    events: range(301, 400),
    more: false,
  });
  await settle();
  await real();
  assert.equal(history(), 'failed');
  chat.close();
});

test('what is not shown does not grow for ever', async () => {
  const { chat, peer } = await online([node(1)]);
  for (let from = 2; from < 5_000; from += 50) peer.says(...range(from, from + 49));
  const log = chat.state.conversations.get(CONVERSATION)!.log!;
  assert.ok(log.entries.length <= 300, String(log.entries.length));
  assert.equal(log.to, chat.state.conversations.get(CONVERSATION)!.lastSeq);
  assert.equal(log.from, log.entries[0]!.seq);
  chat.close();
});

test('the page is not left while something has not been sent', async () => {
  const { page, chat, peer } = await online([node(1)]);
  let stopped = 0;
  const leave = (): number => {
    page.dispatch('beforeunload', { preventDefault: () => (stopped += 1) });
    return stopped;
  };
  assert.equal(leave(), 0);
  chat.send(CONVERSATION, 'hello');
  assert.equal(leave(), 1);
  const [sent] = commands(peer, 'message.send');
  peer.says({ type: 'ack', id: sent!.id, conversation: CONVERSATION, seq: 2, position: '0:2', at: time(2) });
  await settle();
  assert.equal(leave(), 1);
  chat.close();
});

test('a draft is there when its conversation is shown again', async () => {
  const { chat } = await online([node(1)]);
  chat.drafts.keepText(CONVERSATION, 'half a sen');
  chat.select(CONVERSATION);
  chat.select(null);
  assert.equal(chat.drafts.text(CONVERSATION), 'half a sen');
  chat.drafts.keepText(CONVERSATION, '');
  assert.equal(chat.drafts.text(CONVERSATION), '');
  chat.close();
});

test('after the log went back, what comes next is shown and counted as new', async () => {
  const list = [node(90)];
  const { page, chat, peer } = await online(list, () => node(7));
  peer.says(...range(91, 95));
  list[0] = node(7);
  peer.says({
    type: 'error',
    code: 'invalid_argument',
    message: 'ahead',
    retryable: false,
    field: 'resume',
    conversation: CONVERSATION,
    head: 7,
  });
  await page.pass(2_000);
  await real();
  peer.says(said(8));
  await page.pass(2_000);
  const conversation = chat.state.conversations.get(CONVERSATION)!;
  assert.deepEqual(
    conversation.log?.entries.map(({ seq }) => seq),
    [8],
  );
  assert.deepEqual([conversation.lastSeq, conversation.unread, conversation.partial], [8, 1, false]);
  assert.deepEqual(JSON.parse(page.stored.get(`tidings.cursors.${ME}`)!), { [CONVERSATION]: 8 });
  chat.close();
});

test('equal announcements in a row are two', async () => {
  const { chat, peer } = await online([node(1)]);
  peer.says({ ...opened(2) }, said(3, BOB, 'a', 'ping'));
  const first = chat.state.announcement;
  peer.says(said(4, BOB, 'b', 'ping'));
  assert.equal(chat.state.announcement.text, first.text);
  assert.notEqual(chat.state.announcement.number, first.number);
  chat.close();
});

test('whoever reads far up and down again has a bounded part of the conversation, without a hole', async () => {
  const { chat, peer } = await online([node(6_000)]);
  const all = range(2, 6_000);
  const shown = () => chat.state.conversations.get(CONVERSATION)!;
  /** Answers fetches until there are none. */
  const answers = async (): Promise<void> => {
    for (let fetches = commands(peer, 'fetch'); fetches.length > 0; fetches = commands(peer, 'fetch')) {
      for (const { id, from, limit } of fetches) {
        const first = Math.max(Number(from), 2);
        const events = all.filter(({ seq }) => seq >= first && seq < Number(from) + Number(limit));
        peer.says({
          type: 'events',
          id,
          conversation: CONVERSATION,
          events: [...(from === 1 ? [opened()] : []), ...events],
          more: false,
        });
      }
      await settle();
      await real();
    }
  };
  const whole = (): void => {
    const { log } = shown();
    const seqs = log!.entries.map(({ seq }) => seq);
    assert.ok(seqs.length <= 1_300, `${seqs.length} entries`);
    assert.deepEqual(
      seqs,
      Array.from({ length: log!.to - log!.from + 1 }, (_, i) => log!.from + i),
    );
  };
  chat.select(CONVERSATION);
  await answers();
  assert.equal(shown().log!.to, 6_000);
  chat.viewing(false);
  for (let pages = 0; shown().log!.from > 1 && pages < 100; pages++) {
    const loading = chat.loadOlder(CONVERSATION);
    await answers();
    await loading;
    whole();
  }
  assert.equal(shown().log!.from, 1);
  assert.ok(shown().log!.to < 2_000 && shown().log!.cut);
  // What comes meanwhile counts, and moves nothing that is being read.
  const { to } = shown().log!;
  all.push(said(6_001));
  peer.says(said(6_001));
  assert.deepEqual([shown().log!.to, shown().unread, shown().lastSeq], [to, 1, 6_001]);
  for (let pages = 0; shown().log!.cut && pages < 100; pages++) {
    const loading = chat.loadNewer(CONVERSATION);
    await answers();
    await loading;
    whole();
  }
  assert.equal(shown().log!.to, 6_001);
  peer.says(said(6_002));
  assert.equal(shown().log!.to, 6_002);
  whole();
  chat.close();
});

test('what one writes while reading far up is shown, with the newest', async () => {
  const { chat, peer } = await online([node(3_000)]);
  chat.select(CONVERSATION);
  const all = range(2, 3_000);
  const shown = () => chat.state.conversations.get(CONVERSATION)!;
  const answers = async (): Promise<void> => {
    for (const { id, from, limit } of commands(peer, 'fetch')) {
      const events = all.filter(({ seq }) => seq >= Number(from) && seq < Number(from) + Number(limit));
      peer.says({ type: 'events', id, conversation: CONVERSATION, events, more: false });
    }
    await settle();
    await real();
  };
  await settle();
  await answers();
  chat.viewing(false);
  while (!shown().log!.cut) {
    const loading = chat.loadOlder(CONVERSATION);
    await settle();
    await answers();
    await loading;
  }
  // While a page is under way.
  const loading = chat.loadOlder(CONVERSATION);
  await settle();
  chat.send(CONVERSATION, 'here I am');
  await settle();
  await answers();
  await loading;
  await settle();
  await answers();
  assert.deepEqual([shown().log!.to, shown().log!.cut ?? false], [3_000, false]);
  chat.close();
});

test('an edit that the server refuses is taken back, and said', async () => {
  const { chat, peer } = await online([node(1)]);
  peer.says(said(2, ME, 'm2', 'helo'));
  const shown = () => chat.state.conversations.get(CONVERSATION)!;
  chat.changes.edit(CONVERSATION, 'm2', { kind: 'text', text: 'hello' });
  const [edit] = commands(peer, 'message.edit');
  assert.deepEqual([edit!['message'], edit!['content']], ['m2', { kind: 'text', text: 'hello' }]);
  peer.says({ type: 'error', id: edit!.id, code: 'forbidden', message: 'too late', retryable: false });
  await settle();
  const [failed] = shown().changes;
  assert.deepEqual([failed?.kind, failed?.reason], ['edit', 'too late']);
  // Another try takes the place of the one that failed, and ends with its event.
  chat.changes.edit(CONVERSATION, 'm2', { kind: 'text', text: 'hello!' });
  const [again] = commands(peer, 'message.edit');
  assert.deepEqual(
    shown().changes.map(({ reason }) => reason),
    [undefined],
  );
  peer.says({ type: 'ack', id: again!.id, conversation: CONVERSATION, seq: 3, position: '0:3', at: time(3) });
  await settle();
  assert.equal(shown().changes.length, 1);
  peer.says(edited(3, 'm2', 'hello!'));
  assert.equal(shown().changes.length, 0);
  chat.close();
});

test("the last message of one's own is the one that is edited by a key", async () => {
  const { chat, peer } = await online([node(1)]);
  const now = new Date(Date.now()).toISOString();
  peer.says({ ...said(2, ME), at: now }, { ...said(3, ME), at: now }, recalled(4, 'm3'), said(5));
  chat.editLast(CONVERSATION);
  assert.equal(chat.state.conversations.get(CONVERSATION)!.editing, 'm2');
  chat.close();
});

test('what happens while the newest is being loaded does not take its place', async () => {
  const { chat, peer } = await online([node(200)]);
  chat.select(CONVERSATION);
  await settle();
  const [asked] = commands(peer, 'fetch');
  // An edit shows nothing by itself.
  peer.says(edited(201, 'm200', 'better'));
  peer.says({
    type: 'events',
    id: asked!.id,
    conversation: CONVERSATION,
    events: range(101, 200),
    more: true,
  });
  await settle();
  const [again] = commands(peer, 'fetch');
  assert.deepEqual([again!.from, again!.limit], [101, 100]);
  peer.says({
    type: 'events',
    id: again!.id,
    conversation: CONVERSATION,
    events: range(101, 200),
    more: true,
  });
  await settle();
  const { log, history } = chat.state.conversations.get(CONVERSATION)!;
  assert.deepEqual([log!.from, log!.to, log!.entries.length, history], [101, 201, 100, 'idle']);
  chat.close();
});

test('marks of another device are shown live, and asked for where they came while this one was away', async () => {
  const { page, chat, peer } = await online([node(5)], () => node(5, { archived: true }));
  const marks = () => chat.state.conversations.get(CONVERSATION)!.marks;
  const asked = () =>
    page.calls.filter(({ body }) => String(body['query']).startsWith('query Conversation(')).length;
  const notice = (seq: number, kind: string, data: object) => ({
    type: 'notice',
    seq,
    kind,
    at: new Date(Date.now()).toISOString(),
    data: { conversation: CONVERSATION, ...data },
  });
  peer.says(notice(3, 'conversation.muted', { on: true }));
  peer.says(notice(4, 'conversation.marked', { unread: true }));
  assert.deepEqual(marks(), { muted: true, until: null, archived: false, unread: true });
  // One that comes twice counts once.
  peer.says(notice(3, 'conversation.muted', { on: false }));
  assert.ok(marks().muted);
  // Read models may lag behind notices, and what they say of other marks is taken.
  const lagging = { ...UNMARKED, archived: true };
  chat.update(state =>
    store.withSummaries(state, [{ ...state.conversations.get(CONVERSATION)!, marks: lagging }]),
  );
  assert.deepEqual(marks(), { muted: true, until: null, archived: true, unread: true });
  chat.update(state =>
    store.withSummaries(state, [{ ...state.conversations.get(CONVERSATION)!, marks: UNMARKED }]),
  );
  assert.equal(asked(), 0);
  chat.update(state => ({ ...state, link: { kind: 'catching-up' } }));
  peer.says(notice(5, 'conversation.archived', { on: true }));
  assert.ok(!marks().archived);
  peer.says({ type: 'synced' });
  await page.pass(1_000);
  await real();
  assert.deepEqual([asked(), marks().archived], [1, true]);
  // A page that is opened now is told of it again: the list may lag.
  const self = () => (JSON.parse(page.stored.get('tidings.cursors.me') ?? '{}') as { self?: number }).self;
  await page.pass(2_000);
  assert.equal(self(), undefined);
  await page.pass(60_000);
  assert.equal(self(), 5);
  chat.close();
});

test('what ends in an hour ends by the clock of the server', async () => {
  const day = 24 * 3_600_000;
  const { page, chat, peer } = await online([node(1)], undefined, undefined, day);
  const ends = new Date(Date.now() + 2_000 + day + 3_600_000).toISOString();
  await page.pass(2_000);
  const done = Promise.all([
    chat.marks.mute(CONVERSATION, true, 3_600_000),
    chat.governing.mute(CONVERSATION, BOB, true, 3_600_000),
    chat.governing.ban(CONVERSATION, BOB, '', 3_600_000),
  ]);
  const sent = peer.taken().filter(frame => 'until' in frame);
  assert.deepEqual(
    sent.map(({ type, until }) => [type, until]),
    ['conversation.mute', 'group.mute', 'group.ban'].map(type => [type, ends]),
  );
  for (const { id } of sent)
    peer.says({ type: 'ack', id, conversation: CONVERSATION, seq: 2, position: '0:2', at: ends });
  await done;
  chat.close();
});

test('a page whose list was behind what was read elsewhere learns of it, though no event tells', async () => {
  const list = [node(5, { lastReadSeq: 2, unreadCount: 3 })];
  const here = await online(list);
  const unread = () => here.chat.state.conversations.get(CONVERSATION)!.unread;
  await stands(here, 20);
  assert.equal(unread(), 3);
  list[0] = node(5);
  await stands(here, 30);
  await real();
  assert.equal(unread(), 0);
  here.chat.close();
});

test('the others of direct conversations are watched, and how they are there is shown', async () => {
  const { page, chat, peer } = await online([node(1)]);
  const [watch, ...more] = commands(peer, 'presence.watch');
  assert.deepEqual([watch!.users, watch!.conversations, more.length], [[BOB], [], 0]);
  const seen = () => store.otherSeen(chat.state, chat.state.conversations.get(CONVERSATION)!);
  assert.equal(seen(), undefined);
  const state = {
    type: 'presence.state',
    users: { [BOB]: { online: true, status: 'away' } },
    conversations: {},
  };
  peer.says({ ...state, id: watch!.id });
  assert.deepEqual(seen(), { online: true, status: 'away' });
  peer.says({ type: 'presence', user: BOB, online: false, last_seen: time(3) });
  assert.deepEqual(seen(), { online: false, last_seen: time(3) });
  peer.says({ type: 'presence.state', users: {}, conversations: {}, unknown: true });
  assert.equal(seen(), undefined);
  // What the server could not take is said again, and under another id.
  const error = { type: 'error', id: watch!.id, code: 'overloaded', message: '', retryable: true };
  peer.says({ ...error, retry_after_ms: 10_000 });
  await page.pass(9_000);
  assert.deepEqual(commands(peer, 'presence.watch'), []);
  await page.pass(1_000);
  const [again] = commands(peer, 'presence.watch');
  assert.deepEqual([again!.users, again!.id === watch!.id], [[BOB], false]);
  // The list is said again only when it is another.
  await page.pass(60_000);
  peer.says(said(2));
  await page.pass(60_000);
  assert.deepEqual(commands(peer, 'presence.watch'), []);
  chat.close();
});

test('a report says what is wrong, and a note where there is one', async () => {
  const { chat, peer } = await online([node(1)]);
  const reporting = chat.report(CONVERSATION, 'm2', 'Spam', '');
  const [report] = commands(peer, 'report.send');
  assert.deepEqual([report!['message'], report!['reason'], 'note' in report!], ['m2', 'Spam', false]);
  peer.says({
    type: 'error',
    id: report!.id,
    code: 'not_found',
    message: 'no such message',
    retryable: false,
    field: 'message',
  });
  await assert.rejects(reporting, { code: 'not_found', field: 'message' });
  chat.close();
});

test('what messages are reported for is what the server says, or the usual where it says nothing', () => {
  const welcome = {
    type: 'welcome',
    user: ME,
    session: 's',
    server: 'x',
    heartbeat_ms: 25_000,
    time: '',
  } as const;
  const usual = store.withLimits(store.initialState(ME), welcome);
  assert.deepEqual([usual.limits.reportReasons.includes('Spam'), usual.limits.otherReasons], [true, true]);
  const limits = { report_reasons: ['Off topic'], report_other_reasons: false };
  const { reportReasons, otherReasons } = store.withLimits(usual, { ...welcome, limits }).limits;
  assert.deepEqual([reportReasons, otherReasons], [['Off topic'], false]);
});

test('a server that comes back with other settings is taken at its new word, and one that says less as usual', async () => {
  const { page, chat, peer, peers } = await online([node(1)]);
  const { limits: usual } = chat.state;
  let last = peer;
  const comesBack = async (limits?: object): Promise<void> => {
    const before = peers.length;
    last.hangsUp(1006);
    for (let i = 0; i < 60 && peers.length === before; i++) {
      await page.pass(1_000);
      await real();
    }
    last = peers[before]!;
    last.opens();
    const welcome = { type: 'welcome', heartbeat_ms: 25_000, time: new Date(Date.now()).toISOString() };
    last.says({ ...welcome, ...(limits && { limits }) }, { type: 'synced' });
    await settle();
  };
  await comesBack({
    text_bytes: 100,
    emoji_bytes: 16,
    edit_window_s: 0,
    recall_window_s: -1,
    attachment_bytes: 1_000,
    report_reasons: ['Off topic'],
    report_other_reasons: false,
  });
  assert.deepEqual(chat.state.limits, {
    textBytes: 100,
    emojiBytes: 16,
    editWindowS: 0,
    recallWindowS: -1,
    attachmentBytes: 1_000,
    reportReasons: ['Off topic'],
    otherReasons: false,
  });
  // A node of another version may not know all of them.
  await comesBack({ text_bytes: 200 });
  assert.deepEqual(chat.state.limits, { ...usual, textBytes: 200 });
  await comesBack();
  assert.deepEqual(chat.state.limits, usual);
  chat.close();
});

test('how somebody says they are there holds from the beginning of each connection, and in other tabs', async () => {
  const { page, chat, peer } = await online([node(1)]);
  peer.taken();
  chat.presence.choose('dnd');
  assert.deepEqual(
    commands(peer, 'status').map(({ value }) => value),
    ['dnd'],
  );
  assert.equal(page.stored.get(`tidings.status.${ME}`), 'dnd');
  // The same again is not said again.
  chat.presence.choose('dnd');
  assert.deepEqual(commands(peer, 'status'), []);
  assert.deepEqual(chat.presence.greeting(), { type: 'status', value: 'dnd' });
  page.dispatch('storage', { key: `tidings.status.${ME}`, newValue: null });
  assert.deepEqual(
    commands(peer, 'status').map(({ value }) => value),
    ['online'],
  );
  assert.equal(chat.presence.greeting(), null);
  chat.close();
});

test('members of a large group are counted once all are loaded, and a load that fails is said', async () => {
  const nodes = (count: number) =>
    Array.from({ length: count }, (_, n) => ({ role: 'MEMBER', user: person(`p${n}`) }));
  let size = 150;
  let broken = true;
  const { chat } = await online(
    [node(1, { kind: 'GROUP', members: { nodes: nodes(store.SUMMARY_MEMBERS) } })],
    undefined,
    (query, { after }) => {
      if (!query.startsWith('query Members')) return {};
      if (broken) return null;
      const end = Math.min(Number(after ?? 0) + 100, size);
      const pageInfo = { hasNextPage: end < size, endCursor: String(end) };
      return { conversation: { members: { nodes: nodes(end).slice(Number(after ?? 0)), pageInfo } } };
    },
  );
  const shown = () => chat.state.conversations.get(CONVERSATION)!;
  assert.deepEqual([shown().roster, countText(shown())], ['some', '']);
  await chat.members.load(CONVERSATION);
  assert.deepEqual([shown().roster, countText(shown())], ['failed', '']);
  broken = false;
  const loading = chat.members.load(CONVERSATION);
  assert.deepEqual([shown().roster, countText(shown())], ['loading', '']);
  await loading;
  assert.deepEqual([shown().roster, countText(shown())], ['all', '150']);
  // Where events are lost, others may have come.
  chat.update(state => store.withGap(state, CONVERSATION, 9));
  assert.equal(countText(shown()), '');
  size = 1_200;
  await chat.members.load(CONVERSATION);
  assert.deepEqual([shown().roster, countText(shown())], ['first', '1000+']);
  chat.close();
});

test('a member who is not loaded is found by username, by an answer that knows who has left', async () => {
  const nodes = Array.from({ length: store.SUMMARY_MEMBERS }, (_, n) => ({
    role: 'MEMBER',
    user: person(`p${n}`),
  }));
  const answers: object[] = [];
  let asked = 0;
  const here = await online(
    [node(5, { kind: 'GROUP', members: { nodes } })],
    undefined,
    (query, { username, user }) => {
      if (query.startsWith('query UserByName'))
        return { userByName: username === 'nobody' ? null : person(String(username)) };
      if (!query.startsWith('query Member(')) return {};
      asked += 1;
      assert.equal(user, 'zoe');
      return { conversation: answers.shift() ?? null };
    },
  );
  const { chat } = here;
  const shown = () => chat.state.conversations.get(CONVERSATION)!;
  await assert.rejects(chat.members.find(CONVERSATION, 'nobody'), /Nobody here is called “nobody”/);
  await chat.members.find(CONVERSATION, 'p3');
  assert.equal(asked, 0);
  answers.push({ lastSeq: 5, member: null });
  await assert.rejects(chat.members.find(CONVERSATION, 'zoe'), /zoe is not in this group/);
  // One from before what this page knows says nothing.
  answers.push({ lastSeq: 4, member: { role: 'MEMBER' } }, { lastSeq: 5, member: { role: 'ADMIN' } });
  const finding = chat.members.find(CONVERSATION, 'zoe');
  for (let second = 0; second < 4; second++) {
    await real();
    await stands(here, 1);
  }
  await finding;
  assert.deepEqual([shown().members.includes('zoe'), shown().roles.get('zoe'), asked], [true, 'admin', 3]);
  chat.close();
});
