import assert from 'node:assert/strict';
import { test } from 'node:test';
import { append, emptyLog, prepend, type Log } from '../src/chat/log.ts';
import { edited, range, recalled, said } from './events.ts';

const texts = (log: Log): (string | null)[] =>
  log.entries.map(entry => {
    assert.equal(entry.kind, 'message');
    return entry.kind === 'message' && entry.content?.kind === 'text' ? entry.content.text : null;
  });

test('a window grows at both ends', () => {
  const log = prepend(append(emptyLog(10), range(11, 13)), 8, range(8, 10));
  assert.deepEqual([log.from, log.to], [8, 13]);
  assert.deepEqual(
    log.entries.map(entry => entry.seq),
    [8, 9, 10, 11, 12, 13],
  );
});

test('events that the window has already are not prepended again', () => {
  const log = prepend(append(emptyLog(10), range(11, 12)), 9, range(9, 12));
  assert.deepEqual(
    log.entries.map(entry => entry.seq),
    [9, 10, 11, 12],
  );
});

test('an edit changes a message of the window', () => {
  const log = append(append(emptyLog(0), [said(1)]), [edited(2, 'm1', 'better')]);
  assert.deepEqual(texts(log), ['better']);
  assert.equal(log.to, 2);
});

test('an edit and a recall reach messages that are loaded after them', () => {
  const later = append(emptyLog(2), [edited(3, 'm1', 'better'), recalled(4, 'm2')]);
  assert.deepEqual(texts(prepend(later, 1, range(1, 2))), ['better', null]);
});

test('the later edit counts, however the pages come', () => {
  const later = append(emptyLog(2), [edited(3, 'm1', 'second')]);
  assert.deepEqual(texts(prepend(later, 1, [said(1), edited(2, 'm1', 'first')])), ['second']);
});
