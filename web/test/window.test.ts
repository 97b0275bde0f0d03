// A part of a conversation that is not its end: found by a search or an answer.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Later } from '../src/chat/log.ts';
import { findLater, search, type Ask } from '../src/chat/queries.ts';
import { UNMARKED } from '../src/chat/nouns/mark.ts';
import * as store from '../src/chat/store.ts';
import { BOB, CONVERSATION, edited, ME, range, reacted, recalled, said, time } from './events.ts';

function talk(lastSeq: number): store.State {
  return store.withSummaries(store.initialState(ME), [
    {
      id: CONVERSATION,
      kind: 'direct',
      title: null,
      members: [ME, BOB],
      roles: new Map(),
      lastSeq,
      lastAt: time(lastSeq),
      unread: 0,
      mentioned: 0,
      unreadThreads: 0,
      settings: null,
      marks: UNMARKED,
      readSeq: lastSeq,
      preview: null,
    },
  ]);
}

const log = (state: store.State) => state.conversations.get(CONVERSATION)!.log!;

const texts = (state: store.State): string[] =>
  log(state).entries.map(entry =>
    entry.kind === 'message' && entry.content?.kind === 'text' ? entry.content.text : '–',
  );

const edit = (text: string, seq: number): Later =>
  new Map([['m12', { edit: { content: { kind: 'text', text }, at: time(seq) } }]]);

test('a window in the middle goes on to the end, and then follows what comes live', () => {
  let state = store.withWindow(talk(30), CONVERSATION, 10, range(10, 15), new Map());
  assert.ok(log(state).cut && log(state).loose);
  state = store.withNewer(state, CONVERSATION, range(16, 25));
  assert.ok(log(state).cut);
  // What comes live does not follow on it.
  state = store.withEvents(state, [said(31)]);
  assert.equal(log(state).to, 25);
  state = store.withNewer(state, CONVERSATION, range(26, 31));
  assert.ok(!log(state).cut && !log(state).loose);
  state = store.withEvents(state, [said(32)]);
  assert.deepEqual(
    log(state).entries.map(({ seq }) => seq),
    Array.from({ length: 23 }, (_, i) => 10 + i),
  );
});

test('what became of messages behind the window is shown, whichever way it comes', () => {
  let state = store.withWindow(talk(30), CONVERSATION, 12, range(12, 13), edit('second', 29));
  assert.deepEqual(texts(state), ['second', 'text 13']);
  // An older edit that is loaded later changes nothing.
  state = store.withNewer(state, CONVERSATION, [edited(14, 'm12', 'first')]);
  assert.deepEqual(texts(state), ['second', 'text 13']);
  // What happens live is shown at once.
  state = store.withEvents(state, [edited(31, 'm12', 'third'), recalled(32, 'm13')]);
  assert.deepEqual(texts(state), ['third', '–']);
  assert.equal(log(state).to, 14);
});

test('what was heard is newer than what is asked for, which may lag', () => {
  const at = (seq: number, events = [said(seq)]) =>
    store.withWindow(talk(300), CONVERSATION, seq, events, edit('first', 20));
  // While it is being asked for, from a window that has the newest or not.
  for (const before of [store.withEvents(talk(300), [said(301)]), at(200), at(12)]) {
    const heard = store.withEvents(before, [edited(302, 'm12', 'second'), reacted(303, 'm12', '👍', false)]);
    const reactions = new Map([['👍', new Map([[BOB, true]])]]);
    const lagging: Later = new Map([['m12', { ...edit('first', 20).get('m12'), reactions }]]);
    const state = store.withWindow(heard, CONVERSATION, 12, [said(12)], lagging);
    assert.deepEqual(texts(state), ['second']);
    const [entry] = log(state).entries;
    assert.ok(entry?.kind === 'message' && entry.reactions.size === 0);
    // Pages that come to it later.
    const below = store.withWindow(heard, CONVERSATION, 11, [said(11)], new Map());
    assert.deepEqual(texts(store.withNewer(below, CONVERSATION, [said(12)], lagging)), ['text 11', 'second']);
    const above = store.withWindow(heard, CONVERSATION, 13, [said(13)], new Map());
    assert.deepEqual(texts(store.withOlder(above, CONVERSATION, 12, [said(12)], lagging)), [
      'second',
      'text 13',
    ]);
  }
  // What an event of another window said is older than the answer.
  const other = store.withWindow(talk(300), CONVERSATION, 100, [reacted(100, 'm12', '👍', false)], new Map());
  const again: Later = new Map([['m12', { reactions: new Map([['👍', new Map([[BOB, true]])]]) }]]);
  const [entry] = log(store.withWindow(other, CONVERSATION, 12, [said(12)], again)).entries;
  assert.ok(entry?.kind === 'message' && entry.reactions.size === 1);
});

test('a page that was asked for by another window does not come into this one', () => {
  const state = store.withWindow(talk(300), CONVERSATION, 100, range(100, 110), new Map());
  assert.equal(store.withOlder(state, CONVERSATION, 10, range(10, 20)), state);
  assert.equal(store.withNewer(state, CONVERSATION, range(250, 260)), state);
  assert.equal(log(store.withOlder(state, CONVERSATION, 90, range(90, 99))).from, 90);
});

test('a place is covered where its window is', () => {
  const state = store.withWindow(talk(300), CONVERSATION, 100, range(100, 110), new Map());
  assert.deepEqual(
    [99, 100, 110, 111].map(seq => store.covers(log(state), seq)),
    [false, true, true, false],
  );
  assert.ok(!store.covers(null, 1));
});

test('what became of messages is asked for in few queries, and people only where somebody reacted', async () => {
  const asked: string[] = [];
  const ask: Ask = async <T>(query: string, variables: Record<string, unknown> = {}): Promise<T> => {
    asked.push(query);
    const answer: Record<string, object | null> = {};
    for (const [name, id] of Object.entries(variables)) {
      if (!name.startsWith('m')) continue;
      const base = {
        text: `text ${id}`,
        editedAt: null,
        recalledAt: null,
        pinned: false,
        reactions: [] as object[],
      };
      const users = { nodes: [{ id: BOB }] };
      answer[name] =
        {
          m1: base,
          m2: { ...base, text: 'better', editedAt: time(9) },
          m3: { ...base, recalledAt: time(9) },
          m4: { ...base, pinned: true, reactions: [{ emoji: '👍', count: 3, viewerReacted: true, users }] },
        }[String(id)] ?? null;
    }
    return answer as T;
  };
  const events = [said(1), said(2), said(3), said(4), reacted(5, 'm4', '👍'), edited(6, 'm2', 'good')];
  const later = await findLater(ask, ME, CONVERSATION, events);
  assert.equal(asked.length, 2);
  assert.ok(!later.has('m1'));
  assert.deepEqual(later.get('m2'), { edit: { content: { kind: 'text', text: 'better' }, at: time(9) } });
  assert.deepEqual(later.get('m3'), { recalled: true });
  const reactions = later.get('m4')?.reactions?.get('👍');
  assert.equal(later.get('m4')?.pinned, true);
  assert.deepEqual([...(reactions?.keys() ?? [])].slice(0, 2), [ME, BOB]);
  assert.equal(reactions?.size, 3);
});

test('what was found is shown by its snippet, and looking goes on where it was cut short', async () => {
  const sender = { id: BOB, username: 'bob', displayName: 'Bob' };
  const node = (seq: number, more: object = {}) => ({
    id: `m${seq}`,
    seq,
    sentAt: time(seq),
    kind: 'TEXT',
    text: `text ${seq}`,
    recalledAt: null,
    sender,
    conversation: { id: CONVERSATION },
    ...more,
  });
  const answer = {
    complete: false,
    ignored: ['has:zz'],
    unknown: ['-from:nobody'],
    pageInfo: { hasNextPage: false, endCursor: 'there' },
    edges: [
      { snippet: [{ text: 'text', isMatch: true }], node: node(1) },
      // The read model lags, or the viewer has left meanwhile.
      { snippet: [], node: node(2, { recalledAt: time(3) }) },
      { snippet: [], node: node(3, { conversation: null }) },
      { snippet: [], node: node(4, { kind: 'IMAGE', text: null }) },
    ],
  };
  const ask: Ask = async <T>(): Promise<T> => ({ search: answer }) as T;
  const found = await search(ask, { query: 'text', conversation: null, order: 'NEWEST' }, null);
  assert.deepEqual(
    found.hits.map(({ seq, snippet }) => [seq, snippet[0]?.text]),
    [
      [1, 'text'],
      [4, 'Image'],
    ],
  );
  assert.deepEqual([found.next, found.complete], ['there', false]);
  assert.deepEqual([found.ignored, found.unknown], [['has:zz'], ['-from:nobody']]);
  const best = await search(ask, { query: 'text', conversation: null, order: 'BEST' }, null);
  assert.equal(best.next, null);
});
