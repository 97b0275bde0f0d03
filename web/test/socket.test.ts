import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { Refusal, Socket, type Link, type SocketListener } from '../src/protocol/socket.ts';
import type { TidingsEvent } from '../src/protocol/frames.ts';
import { CONVERSATION, range, said } from './events.ts';
import { Peer } from './peer.ts';

/** A socket on clocks that only move when told to, and what came of it. */
function started(before: (socket: Socket) => void = () => undefined) {
  mock.timers.reset();
  mock.timers.enable({ apis: ['setTimeout', 'setInterval'] });
  const peers: Peer[] = [];
  const links: Link['kind'][] = [];
  const seen: string[] = [];
  let now = 0;
  const listener: SocketListener = {
    link: link => links.push(link.kind),
    events: (events: TidingsEvent[]) => seen.push(...events.map(event => String(event.seq))),
    gap: (_, from, to) => seen.push(`gap ${from}..${to}`),
    rewound: (_, head) => seen.push(`back to ${head}`),
    ephemeral: frame => seen.push(frame.type),
    refused: () => undefined,
    notice: () => undefined,
    welcomed: () => undefined,
    synced: () => seen.push('synced'),
  };
  const socket = new Socket({
    url: 'ws://server/ws',
    device: 'a-device',
    token: async refused => (refused ? 'another' : 'a-token'),
    fatal: () => false,
    listener,
    open: () => {
      const peer = new Peer();
      peers.push(peer);
      return peer.socket;
    },
    now: () => now,
  });
  before(socket);
  socket.start();
  const settle = async (): Promise<void> => {
    for (let i = 0; i < 10; i++) await Promise.resolve();
  };
  return {
    socket,
    peers,
    links,
    seen,
    settle,
    /** The newest connection, open and with its hello taken. */
    async greeted(heartbeat_ms = 25_000): Promise<Peer> {
      await settle();
      const peer = peers.at(-1)!;
      peer.opens();
      peer.says({ type: 'welcome', user: 'me', session: 's', server: 'x', heartbeat_ms, time: '' });
      return peer;
    },
    /** Time passes; timers run as browsers run those of a visible page. */
    async pass(ms: number, step = 1_000): Promise<void> {
      for (let left = ms; left > 0; left -= step) {
        now += Math.min(step, left);
        mock.timers.tick(Math.min(step, left));
        await settle();
      }
    },
  };
}

test('a hidden tab, whose timers run once a minute, keeps its connection', async () => {
  const page = started();
  const peer = await page.greeted();
  for (let minute = 0; minute < 30; minute++) {
    await page.pass(60_000, 60_000);
    if (peer.taken().some(({ type }) => type === 'ping')) peer.says({ type: 'pong' });
    await page.settle();
  }
  assert.equal(page.peers.length, 1);
  assert.ok(!peer.closed);
  page.socket.stop();
});

test('a connection whose ping is not answered is given up, one that says anything is not', async () => {
  const page = started();
  const peer = await page.greeted();
  await page.pass(31_000);
  assert.ok(peer.taken().some(({ type }) => type === 'ping'));
  peer.says(said(1));
  await page.pass(20_000);
  assert.ok(!peer.closed);
  await page.pass(25_000);
  assert.ok(peer.closed);
  assert.equal(page.links.at(-1) === 'waiting' || page.peers.length > 1, true);
  page.socket.stop();
});

test('a connection that dies is given up within minutes, whatever the server says of its heartbeat', async () => {
  const page = started();
  const peer = await page.greeted(Number.MAX_SAFE_INTEGER);
  await page.pass(300_000);
  assert.ok(peer.closed);
  page.socket.stop();
});

test('cursors resume, and all are named however many there are', async () => {
  const page = started(socket => {
    for (let i = 0; i < 2_000; i++) socket.follow(`c${i}`, i);
  });
  const peer = await page.greeted();
  const parts = peer.taken();
  assert.deepEqual(
    parts.map(({ type, more }) => [type, more]),
    [
      ['hello', true],
      ['resume', true],
      ['resume', false],
    ],
  );
  const named = parts.flatMap(({ resume }) => Object.entries(resume as Record<string, number>));
  assert.equal(named.length, 2_000);
  assert.deepEqual(named[1_999], ['c1999', 1_999]);
  for (const part of parts) assert.ok(JSON.stringify(part).length < 65_536);
  page.socket.stop();
});

test('unanswered commands are sent again with their ids, in order, and one of a conversation at a time', async () => {
  const page = started();
  const peer = await page.greeted();
  peer.taken();
  const say = (text: string, conversation = CONVERSATION) =>
    page.socket.command(
      { type: 'message.send', conversation, content: { kind: 'text', text } },
      `id-${text}`,
    );
  const answers = [say('one'), say('two'), say('other', 'c2')];
  assert.deepEqual(peer.ids(), ['id-one', 'id-other']);
  // A refusal for now: what stands behind it does not pass it.
  peer.says({
    type: 'error',
    id: 'id-one',
    code: 'unavailable',
    message: '',
    retryable: true,
    retry_after_ms: 250,
  });
  await page.settle();
  assert.deepEqual(peer.ids(), []);
  await page.pass(500);
  assert.deepEqual(peer.ids(), ['id-one']);
  peer.hangsUp(1006);
  await page.pass(1_000);
  const next = await page.greeted();
  assert.deepEqual(next.ids(), ['id-one', 'id-other']);
  const ack = { type: 'ack', conversation: CONVERSATION, seq: 5, position: '0:1', at: '' };
  next.says({ ...ack, id: 'id-one' });
  assert.deepEqual(next.ids(), ['id-two']);
  next.says({ ...ack, id: 'id-two' }, { ...ack, id: 'id-other' });
  assert.equal((await Promise.all(answers)).length, 3);
  page.socket.stop();
});

test('a final refusal and a missing answer are told', async () => {
  const page = started();
  const peer = await page.greeted();
  const refused = page.socket.command({ type: 'group.leave', conversation: CONVERSATION }, 'a');
  const unanswered = page.socket.command({ type: 'group.leave', conversation: CONVERSATION }, 'b');
  peer.says({ type: 'error', id: 'a', code: 'forbidden', message: 'no', retryable: false });
  await assert.rejects(refused, (error: Refusal) => error.code === 'forbidden');
  const failed = assert.rejects(unanswered, (error: Refusal) => error.code === 'timeout');
  await page.pass(31_000);
  await failed;
  page.socket.stop();
});

test('what has to wait for longer than anybody waits is told at once, and keeps nothing behind it', async () => {
  const page = started();
  const peer = await page.greeted();
  const content = { kind: 'text' as const, text: 'x' };
  const say = (id: string) =>
    page.socket.command({ type: 'message.send', conversation: CONVERSATION, content }, id);
  const [first, second] = [say('a'), say('b')];
  assert.deepEqual(peer.ids(), ['a']);
  const slow = { code: 'rate_limited', message: 'not so fast', retryable: true, field: 'conversation' };
  const told = assert.rejects(first, (error: Refusal) => error.message === 'not so fast');
  peer.says({ type: 'error', id: 'a', ...slow, retry_after_ms: 60_000 });
  await told;
  assert.deepEqual(peer.ids(), ['b']);
  // What is over soon is waited for.
  peer.says({ type: 'error', id: 'b', ...slow, retry_after_ms: 2_000 });
  await page.pass(3_000);
  assert.deepEqual(peer.ids(), ['b']);
  peer.says({ type: 'ack', conversation: CONVERSATION, seq: 5, position: '0:1', at: '', id: 'b' });
  assert.equal((await second).seq, 5);
  page.socket.stop();
});

test('a hole is fetched; one that may not be fetched becomes a gap and costs no connection', async () => {
  const page = started(socket => socket.follow(CONVERSATION, 2));
  const peer = await page.greeted();
  peer.taken();
  peer.says(said(5));
  const [fetch] = peer.taken();
  assert.deepEqual([fetch!.type, fetch!.from, fetch!.limit], ['fetch', 3, 2]);
  peer.says({ type: 'events', id: fetch!.id, conversation: CONVERSATION, events: range(3, 4), more: true });
  await page.settle();
  assert.deepEqual(page.seen, ['3', '4', '5']);
  peer.says(said(8));
  const [again] = peer.taken();
  peer.says({ type: 'error', id: again!.id, code: 'not_a_member', message: '', retryable: false });
  await page.settle();
  assert.deepEqual(page.seen.slice(3), ['gap 6..7', '8']);
  assert.equal(page.peers.length, 1);
  page.socket.stop();
});

test('where none of many can be shown, a gap says so and the rest is asked for', async () => {
  const page = started(socket => socket.follow(CONVERSATION, 2));
  const peer = await page.greeted();
  peer.taken();
  peer.says(said(6000));
  const answers = (rest: object) => {
    const [fetch] = peer.taken();
    peer.says({ type: 'events', id: fetch!.id, conversation: CONVERSATION, events: [], more: true, ...rest });
    return [fetch!.from, fetch!.limit];
  };
  assert.deepEqual(answers({ next: 4504 }), [3, 1000]);
  await page.settle();
  assert.deepEqual(answers({ events: range(5998, 5999) }), [4504, 1000]);
  await page.settle();
  assert.deepEqual(page.seen, ['gap 3..4503', 'gap 4504..5997', '5998', '5999', '6000']);
  page.socket.stop();
});

test('what the log has nothing of begins where it is said to', async () => {
  const page = started(socket => socket.follow(CONVERSATION, 11));
  const peer = await page.greeted();
  const refusal = { type: 'error', code: 'invalid_argument', message: '', retryable: false, field: 'resume' };
  peer.says({ ...refusal, conversation: CONVERSATION, head: 0 }, said(20), said(21), { type: 'synced' });
  assert.deepEqual(page.seen, ['back to 0', '20', '21', 'synced']);
  page.socket.stop();
});

test('a cursor ahead of the log goes back with it', async () => {
  const page = started(socket => socket.follow(CONVERSATION, 90));
  const peer = await page.greeted();
  peer.says(
    {
      type: 'error',
      code: 'invalid_argument',
      message: '',
      retryable: false,
      field: 'resume',
      conversation: CONVERSATION,
      head: 7,
    },
    said(8),
    { type: 'synced' },
  );
  assert.deepEqual(page.seen, ['back to 7', '8', 'synced']);
  peer.hangsUp(4000);
  await page.pass(1_000);
  const next = await page.greeted();
  assert.deepEqual(next.taken()[0]!.resume, { [CONVERSATION]: 8 });
  page.socket.stop();
});

test('a connection that is lost at once again and again is tried more and more seldom', async () => {
  mock.method(Math, 'random', () => 1);
  const page = started();
  for (let i = 0; i < 4; i++) {
    const peer = await page.greeted();
    peer.says({ type: 'synced' });
    peer.hangsUp(1006);
    await page.pass(500 * 2 ** i - 1, 500 * 2 ** i - 1);
    assert.equal(page.peers.length, i + 1);
    await page.pass(1);
    assert.equal(page.peers.length, i + 2);
  }
  mock.restoreAll();
  page.socket.stop();
});

test('a connection that the page leaves proves nothing of what it has not handled', async () => {
  const page = started(socket => socket.follow(CONVERSATION, 2));
  const left = await page.greeted();
  // The hole cannot be filled just now: the connection is given up.
  left.says(said(5));
  const fetch = left.taken().at(-1);
  left.says({ type: 'error', id: fetch!.id, code: 'unavailable', message: '', retryable: false });
  await page.settle();
  await page.pass(1_000);
  const last = await page.greeted();
  page.socket.stop();
  for (const peer of [left, last]) {
    assert.ok(peer.closed);
    // 1000 and no code are proof; the others that a page may give are not.
    assert.ok(peer.code !== undefined && peer.code >= 3000, String(peer.code));
  }
  assert.deepEqual(page.seen, []);
});

test('a refused token is replaced once, and a final close is followed by no return', async () => {
  const page = started();
  (await page.greeted()).hangsUp(4501);
  await page.pass(1_000);
  const peer = await page.greeted();
  assert.equal(peer.taken()[0]!.token, 'another');
  peer.says({ type: 'close', code: 4503, reason: 'suspended', reconnect: false });
  await page.pass(60_000);
  assert.equal(page.links.at(-1), 'ended');
  assert.equal(page.peers.length, 2);
});

test('what changes a message waits for the message, and for what changed it before', async () => {
  const { socket, greeted, settle } = started();
  const peer = await greeted();
  peer.taken();
  const content = { kind: 'text', text: 'hello' } as const;
  const [conversation, message] = ['c1', 'm'];
  void socket.command({ type: 'message.send', conversation, content }, message);
  void socket.command({ type: 'message.edit', conversation, message, content }, 'e');
  void socket.command({ type: 'message.recall', conversation, message }, 'r');
  for (const id of [message, 'e', 'r']) {
    await settle();
    assert.deepEqual(peer.ids(), [id]);
    peer.says({ type: 'ack', id, conversation, seq: 1, position: '0:1', at: '' });
  }
  socket.stop();
});
