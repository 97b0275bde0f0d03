import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import type { Core } from '../src/chat/core.ts';
import { Outbox } from '../src/chat/outbox.ts';
import { UNMARKED } from '../src/chat/nouns/mark.ts';
import * as store from '../src/chat/store.ts';
import { Refusal } from '../src/protocol/socket.ts';
import { settle } from './browser.ts';
import { CONVERSATION, ME, time } from './events.ts';

/** One upload, answered by the tests. */
class Request {
  upload: { onprogress?: (event: object) => void } = {};
  onload?: () => void;
  onerror?: () => void;
  onabort?: () => void;
  status = 0;
  response: unknown;
  path = '';
  headers = new Map<string, string>();
  aborted = false;
  body: unknown;

  constructor() {
    requests.push(this);
  }
  open(_: string, path: string): void {
    this.path = path;
  }
  setRequestHeader(name: string, value: string): void {
    this.headers.set(name, value);
  }
  send(body: unknown): void {
    this.body = body;
  }
  abort(): void {
    this.aborted = true;
    this.onabort?.();
  }
  async answers(status: number, response: object): Promise<void> {
    this.status = status;
    this.response = response;
    this.onload?.();
    await settle();
  }
}

let requests: Request[] = [];

interface Sent {
  body: { content: object };
  id: string;
  answer(seq: number): Promise<void>;
  refuse(code: string): Promise<void>;
}

function page() {
  mock.timers.reset();
  mock.timers.enable({ apis: ['setTimeout'] });
  requests = [];
  Object.defineProperty(globalThis, 'XMLHttpRequest', { configurable: true, value: Request });
  const sent: Sent[] = [];
  const summary: store.Summary = {
    id: CONVERSATION,
    kind: 'direct',
    title: null,
    members: [ME],
    roles: new Map(),
    lastSeq: 1,
    lastAt: time(1),
    unread: 0,
    mentioned: 0,
    unreadThreads: 0,
    settings: null,
    marks: UNMARKED,
    readSeq: 1,
    preview: null,
  };
  const core = {
    state: store.withSummaries(store.initialState(ME), [summary]),
    update(next: (state: store.State) => store.State) {
      core.state = next(core.state);
    },
    socket: {
      command: (body: Sent['body'], id: string) =>
        new Promise((resolve, reject) =>
          sent.push({
            body,
            id,
            answer: seq => (resolve({ seq }), settle()),
            refuse: code => (reject(new Refusal(code, 'no')), settle()),
          }),
        ),
    },
  };
  const outbox = new Outbox(core as unknown as Core, async refused => (refused ? 'second' : 'first'));
  const shown = () => core.state.conversations.get(CONVERSATION)!.outbox;
  return { outbox, sent, shown };
}

const file = (name: string) => ({ id: name, name, file: new Blob(['bytes'], { type: 'image/png' }) });
const stored = (id: string, type = 'image/png') => ({ id, name: id, type, size: 5 });

test('files go out one after the other, and each message when its file is stored', async () => {
  const { outbox, sent, shown } = page();
  outbox.send(CONVERSATION, 'two hills', [file('a b.png'), file('c.bin')]);
  await settle();
  assert.deepEqual(
    shown().map(({ state, text }) => [state, text]),
    [
      ['uploading', 'two hills'],
      ['uploading', ''],
    ],
  );
  assert.equal(requests.length, 1);
  assert.equal(requests[0]!.path, '/attachments?name=a%20b.png');
  assert.equal(requests[0]!.headers.get('Authorization'), 'Bearer first');
  requests[0]!.upload.onprogress?.({ lengthComputable: true, loaded: 2, total: 4 });
  assert.equal(shown()[0]!.progress, 0.5);
  await requests[0]!.answers(201, stored('A'));
  assert.deepEqual(sent[0]!.body.content, { kind: 'image', attachment: 'A', caption: 'two hills' });
  assert.equal(requests.length, 2);
  // What the server takes for no picture is shown as a file.
  await requests[1]!.answers(201, stored('B', 'application/octet-stream'));
  assert.deepEqual(sent[1]!.body.content, { kind: 'file', attachment: 'B' });
  await sent[0]!.answer(2);
  assert.deepEqual(
    shown()
      .map(({ state }) => state)
      .sort(),
    ['sending', 'sent'],
  );
});

test('one that is cancelled is not sent, and the next one goes on', async () => {
  const { outbox, sent, shown } = page();
  outbox.send(CONVERSATION, '', [file('a'), file('b')]);
  await settle();
  outbox.cancel(CONVERSATION, shown()[0]!.id);
  await settle();
  assert.ok(requests[0]!.aborted);
  assert.equal(requests.length, 2);
  await requests[1]!.answers(201, stored('B'));
  assert.deepEqual(
    sent.map(({ body }) => body.content),
    [{ kind: 'image', attachment: 'B' }],
  );
});

test('what the server refuses is said, and what may pass is tried again', async () => {
  const { outbox, sent, shown } = page();
  outbox.send(CONVERSATION, '', [file('a')]);
  await settle();
  await requests[0]!.answers(413, { code: 'too_large', detail: 'a file has at most 4 bytes' });
  assert.deepEqual([shown()[0]!.state, shown()[0]!.reason], ['failed', 'a file has at most 4 bytes']);
  outbox.retry(CONVERSATION, shown()[0]!);
  await settle();
  await requests[1]!.answers(503, { code: 'unavailable', retry_after_ms: 5_000 });
  mock.timers.tick(4_999);
  await settle();
  assert.equal(requests.length, 2);
  mock.timers.tick(1);
  await settle();
  await requests[2]!.answers(401, { code: 'unauthenticated' });
  assert.equal(requests[3]!.headers.get('Authorization'), 'Bearer second');
  await requests[3]!.answers(201, stored('A'));
  assert.equal(sent.length, 1);
  assert.equal(shown()[0]!.state, 'sending');
});

test('a message that was refused is sent again with the file that is stored already', async () => {
  const { outbox, sent, shown } = page();
  outbox.send(CONVERSATION, '', [file('a')]);
  await settle();
  await requests[0]!.answers(201, stored('A'));
  await sent[0]!.refuse('timeout');
  outbox.retry(CONVERSATION, shown()[0]!);
  await settle();
  assert.equal(requests.length, 1);
  assert.equal(sent[1]!.id, sent[0]!.id);
  // One that waited for too long is not there any more.
  await sent[1]!.refuse('not_found');
  outbox.retry(CONVERSATION, shown()[0]!);
  await settle();
  assert.equal(requests.length, 2);
});

test('an upload that stands still is given up and begun again', async () => {
  const { outbox } = page();
  outbox.send(CONVERSATION, '', [file('a')]);
  await settle();
  mock.timers.tick(59_000);
  requests[0]!.upload.onprogress?.({ lengthComputable: true, loaded: 1, total: 4 });
  mock.timers.tick(59_000);
  assert.ok(!requests[0]!.aborted);
  mock.timers.tick(1_000);
  assert.ok(requests[0]!.aborted);
  await settle();
  mock.timers.tick(1_000);
  await settle();
  assert.equal(requests.length, 2);
  outbox.stop();
  assert.ok(requests[1]!.aborted);
});
