import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  beginning,
  completed,
  EVERYONE,
  mayMentionEveryone,
  mentionedIn,
  suggested,
} from '../src/chat/nouns/mention.ts';
import { initialState, type Conversation, type Role } from '../src/chat/store.ts';

const person = (username: string, displayName = username) => ({
  id: `id-${username}`,
  username,
  displayName,
});
const people = [
  person('ann', 'Ann Archer'),
  person('bea', 'Beatrix'),
  person('ben.k', 'Ben'),
  person('zoe', 'Zoë Ann'),
];

test('a name begins with an @ that stands by itself', () => {
  assert.deepEqual(beginning('hello @be', 9), { at: 6, written: 'be' });
  assert.deepEqual(beginning('@', 1), { at: 0, written: '' });
  assert.deepEqual(beginning('(@be) and', 4), { at: 1, written: 'be' });
  for (const [text, caret] of [
    ['ann@be', 6],
    ['@@be', 4],
    ['hello @be there', 15],
    ['hello', 5],
    [`@${'x'.repeat(33)}`, 34],
  ] as const)
    assert.equal(beginning(text, caret), null, text);
});

test('those who are likeliest meant come first, however their names are written', () => {
  const names = (written: string): string[] => suggested(people, written).map(({ username }) => username);
  assert.deepEqual(names('be'), ['bea', 'ben.k']);
  assert.deepEqual(names('ann'), ['ann', 'zoe']);
  assert.deepEqual(names('ZOE'), ['zoe']);
  assert.deepEqual(names('trix'), ['bea']);
  assert.deepEqual(names('nobody'), []);
  assert.equal(
    suggested(
      Array.from({ length: 99 }, (_, i) => person(`p${i}`)),
      '',
    ).length,
    8,
  );
});

test('a name takes the place of its beginning', () => {
  const text = 'hello @be, there';
  assert.deepEqual(completed(text, { at: 6, written: 'be' }, people[2]!), {
    text: 'hello @ben.k , there',
    caret: 13,
  });
  assert.deepEqual(completed('@b now', { at: 0, written: 'b' }, people[1]!), { text: '@bea now', caret: 5 });
});

test('a message mentions the members whose names stand in it, each once, and not in code', () => {
  const mentioned = (text: string): string[] => mentionedIn(text, people, 100);
  assert.deepEqual(mentioned('@ann and **@Ben.K.** and @ann'), ['id-ann', 'id-ben.k']);
  assert.deepEqual(mentioned('`@ann` ann@bea.example @nobody @anna'), []);
  assert.deepEqual(mentionedIn('@ann @bea @zoe', people, 2), ['id-ann', 'id-bea']);
});

test('everyone is mentioned by those who may, and by name all the same', () => {
  const may = (kind: 'direct' | 'group', role: Role, joined = true): boolean =>
    mayMentionEveryone(
      { kind, joined, members: [], roles: new Map([['me', role]]) } as unknown as Conversation,
      initialState('me'),
    );
  assert.deepEqual(
    [may('group', 'owner'), may('group', 'admin'), may('group', 'member'), may('direct', 'owner')],
    [true, true, false, false],
  );
  assert.ok(!may('group', 'owner', false));
  assert.deepEqual(mentionedIn('@everyone and @ann', [...people, EVERYONE], 100), ['everyone', 'id-ann']);
  assert.deepEqual(mentionedIn('@everyone', people, 100), []);
});
