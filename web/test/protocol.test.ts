import assert from 'node:assert/strict';
import { test } from 'node:test';
import { backoff } from '../src/protocol/backoff.ts';
import { parseFrame } from '../src/protocol/frames.ts';
import { uuidv7 } from '../src/shared/ids.ts';
import { refreshDelay } from '../src/shared/session.ts';

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
