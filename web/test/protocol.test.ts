import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fold } from '../src/chat/events.ts';
import type { Amendment, Entry } from '../src/chat/fold.ts';
import { backoff } from '../src/protocol/backoff.ts';
import { parseFrame } from '../src/protocol/frames.ts';
import { isFinal } from '../src/protocol/socket.ts';
import { uuidv7 } from '../src/shared/ids.ts';
import { refreshDelay } from '../src/shared/session.ts';
import { asked } from '../src/shared/wait.ts';

test('a frame holds several objects, and what is none is left out', () => {
  const found = parseFrame('{"type":"synced"}\n{"type":"pong"}\nnonsense\n[]\n7\n');
  assert.deepEqual(
    found.map(({ type }) => type),
    ['synced', 'pong'],
  );
});

test('the wait has full jitter, grows up to a bound, and honours the server', () => {
  assert.equal(
    backoff(0, 0, () => 0),
    0,
  );
  assert.equal(
    backoff(3, 0, () => 1),
    4_000,
  );
  assert.equal(
    backoff(1_000, 0, () => 1),
    30_000,
  );
  assert.equal(
    backoff(0, 1_830, () => 0),
    1_830,
  );
});

test('no server keeps a page away for good, nor makes its timers overflow', () => {
  assert.equal(
    backoff(0, 2 ** 63, () => 0),
    3_600_000,
  );
  assert.equal(asked(2 ** 63), 3_600_000);
  assert.equal(asked(1_830), 1_830);
  assert.equal(asked(undefined), 0);
});

test('ids are UUIDs of version 7 that sort by time', () => {
  const [early, late] = [uuidv7(1_000_000_000_000), uuidv7(1_800_000_000_000)];
  assert.match(early, /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.ok(early < late);
  assert.equal(parseInt(late.replace(/-/g, '').slice(0, 12), 16), 1_800_000_000_000);
});

test('a token is refreshed before it expires, and never in a loop', () => {
  const delay = refreshDelay(900_000);
  assert.ok(delay > 0 && delay < 900_000 - 30_000);
  assert.equal(refreshDelay(10_000), 10_000);
  assert.equal(refreshDelay(-3_600_000), 10_000);
});

/** One of each frame of the server, as the protocol's own tests write them. */
const golden = new URL('../../protocol/golden/server/', import.meta.url);
const frames = readdirSync(golden).map(file => ({
  file,
  frame: parseFrame(readFileSync(new URL(file, golden), 'utf8'))[0]!,
}));

test('every kind of event does something to the page', () => {
  const events = frames.flatMap(({ file, frame }) => (frame.type === 'event' ? [{ file, frame }] : []));
  assert.ok(events.length > 10);
  for (const { file, frame } of events) {
    const into = { entries: [] as Entry[], amended: new Map<string, Amendment>() };
    fold(into, frame);
    // An edit of what was recalled since says nothing any more; a pin is told, and marks its message; a reply is counted below its own.
    const others: Record<string, number> = {
      'message.edited.recalled.json': 0,
      'message.sent.thread.json': 2,
      'pin.changed.json': 2,
    };
    const expected = others[file] ?? 1;
    assert.equal(into.entries.length + into.amended.size, expected, file);
  }
});

test('the page comes back after the closes after which the server says so', () => {
  for (const { file, frame } of frames) {
    if (frame.type === 'close') assert.equal(isFinal(frame.code), !frame.reconnect, file);
  }
  for (const code of [1002, 1003, 1007, 1008, 1009, 4500, 4999]) assert.ok(isFinal(code), String(code));
  for (const code of [1000, 1001, 1006, 1011, 1012, 4000, 4499]) assert.ok(!isFinal(code), String(code));
});
