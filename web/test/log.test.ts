import assert from 'node:assert/strict';
import { test } from 'node:test';
import { append, emptyLog, prepend, type Log } from '../src/chat/log.ts';
import { BOB, edited, ME, range, reacted, recalled, said } from './events.ts';

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

const reactions = (log: Log): Record<string, readonly string[]>[] =>
  log.entries.map(entry => (entry.kind === 'message' ? Object.fromEntries(entry.reactions) : {}));

test('an edit says when it was made', () => {
  const log = append(emptyLog(0), [said(1), edited(2, 'm1', 'better')]);
  const [entry] = log.entries;
  assert.equal(entry?.kind === 'message' && entry.editedAt, edited(2, 'm1', '').at);
});

test('a recall wins over what comes behind it, however the pages come', () => {
  const events = [said(1), recalled(2, 'm1'), edited(3, 'm1', 'late'), reacted(4, 'm1', '👍')];
  for (let split = 1; split <= events.length; split++) {
    const newer = append(emptyLog(split), events.slice(split));
    const log = prepend(newer, 1, events.slice(0, split));
    assert.deepEqual(texts(log), [null], `${split} older`);
    assert.deepEqual(reactions(log), [{}], `${split} older`);
    const live = append(append(emptyLog(0), events.slice(0, split)), events.slice(split));
    assert.deepEqual(texts(live), [null], `${split} first`);
    assert.deepEqual(reactions(live), [{}], `${split} first`);
  }
});

test('a message that comes without content is a recalled one', () => {
  const sent = said(1);
  const bare = { ...sent, data: { message: 'm1', content: null } } as typeof sent;
  assert.deepEqual(texts(append(emptyLog(0), [bare, edited(2, 'm1', 'late')])), [null]);
});

test('of each person and emoji the last word counts, however the pages come', () => {
  const events = [
    said(1),
    reacted(2, 'm1', '👍'),
    reacted(3, 'm1', '👍', true, ME),
    reacted(4, 'm1', '🎉'),
    reacted(5, 'm1', '👍', false),
    reacted(6, 'm1', '🎉', false),
    reacted(7, 'm1', '🎉'),
  ];
  const expected = [{ '👍': [ME], '🎉': [BOB] }];
  for (let split = 1; split <= events.length; split++) {
    const newer = append(emptyLog(split), events.slice(split));
    assert.deepEqual(reactions(prepend(newer, 1, events.slice(0, split))), expected, `${split} older`);
    const live = append(append(emptyLog(0), events.slice(0, split)), events.slice(split));
    assert.deepEqual(reactions(live), expected, `${split} first`);
  }
});

test('a kind of event that this page does not know is passed over', () => {
  const unknown = { ...said(2), kind: 'poll.opened' } as unknown as ReturnType<typeof said>;
  const log = append(emptyLog(0), [said(1), unknown, said(3)]);
  assert.deepEqual([log.entries.length, log.to], [2, 3]);
});
