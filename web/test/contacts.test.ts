// What others are to somebody, as answers and notices tell, with a server that is none.
import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { Contacts } from '../src/chat/contacts.ts';
import type { Core } from '../src/chat/core.ts';
import { those } from '../src/chat/nouns/contact.ts';
import * as store from '../src/chat/store.ts';
import type { Notice } from '../src/protocol/frames.ts';
import { settle } from './browser.ts';
import { BOB, ME } from './events.ts';

const notice = (kind: string, data: object): Notice => ({
  type: 'notice',
  seq: 1,
  kind,
  at: '2026-01-01T00:00:00.000Z',
  data,
});

const person = (id: string) => ({ id, username: `@${id}`, displayName: id });
const listed = (users: string[], next: string | null = null) => ({
  nodes: users.map(id => ({ at: '2026-01-01T00:00:00.000Z', text: 'hello', user: person(id) })),
  pageInfo: { hasNextPage: next !== null, endCursor: next },
});

interface Found {
  contacts?: object;
  contactRequests?: object;
  sentContactRequests?: object;
  blocked?: object;
}

function page() {
  mock.timers.reset();
  mock.timers.enable({ apis: ['setTimeout', 'setInterval'] });
  const answers: ((found: Found | null) => void)[] = [];
  const asked: string[] = [];
  const sent: { type: string }[] = [];
  const core = {
    closed: false,
    now: () => 0,
    state: store.initialState(ME),
    update(next: (state: store.State) => store.State) {
      core.state = next(core.state);
    },
    lookAfter: () => undefined,
    ask: (query: string) =>
      new Promise((resolve, reject) => {
        asked.push(query);
        answers.push(found => (found ? resolve(found) : reject(new Error('busy'))));
      }),
    socket: {
      command: (body: { type: string }) => {
        sent.push(body);
        return Promise.resolve({});
      },
    },
  };
  const contacts = new Contacts(core as unknown as Core, username => Promise.resolve(person(username)));
  return { contacts, answers, asked, sent, core, relations: () => core.state.relations };
}

test('what is heard while the lists are asked for is newer than the lists', async () => {
  const { contacts, answers, relations } = page();
  void contacts.reconnected();
  contacts.noticed(notice('contact.removed', { user: 'old', by: 'old' }));
  contacts.noticed(notice('contact.requested', { user: BOB, by: BOB, text: 'it is me' }));
  contacts.noticed(notice('user.blocked', { user: 'rude', on: false }));
  answers[0]!({
    contacts: listed(['old', 'ann']),
    blocked: {
      nodes: [person('rude'), person('ruder')],
      pageInfo: { hasNextPage: false, endCursor: null },
    },
  });
  await settle();
  assert.deepEqual(those(relations(), 'contact'), ['ann']);
  assert.deepEqual(relations().ties.get(BOB), {
    kind: 'asks',
    text: 'it is me',
    at: '2026-01-01T00:00:00.000Z',
  });
  assert.deepEqual([...relations().blocked], ['ruder']);
});

test('lists of several pages are asked for to their ends, each on its own', async () => {
  const { contacts, answers, asked, relations } = page();
  void contacts.reconnected();
  answers[0]!({ contacts: listed(['a'], 'x'), sentContactRequests: listed(['c']) });
  await settle();
  assert.ok(asked[1]!.includes('contacts(') && !asked[1]!.includes('blocked('));
  answers[1]!({ contacts: listed(['b']) });
  await settle();
  assert.deepEqual(those(relations(), 'contact'), ['a', 'b']);
  assert.deepEqual(those(relations(), 'asked'), ['c']);
});

test('what read models learn of late is asked for some times more, and then no more', async () => {
  const { contacts, answers, relations } = page();
  void contacts.reconnected();
  answers[0]!({ contacts: listed(['ann']) });
  await settle();
  contacts.noticed(notice('contact.removed', { user: 'ann', by: 'ann' }));
  for (let turn = 1; turn <= 4; turn++) {
    mock.timers.tick(30_000);
    await settle();
    answers[turn]!({ contacts: listed(['ann', 'cleo']) });
    await settle();
    // What was heard is newer.
    assert.deepEqual(those(relations(), 'contact'), ['cleo']);
  }
  mock.timers.tick(60_000);
  await settle();
  assert.equal(answers.length, 5);
});

test('what somebody does is shown at once, and notices of it change nothing', async () => {
  const { contacts, sent, relations } = page();
  await contacts.requestByName('bob', '');
  assert.equal(relations().ties.get('bob')?.kind, 'asked');
  contacts.noticed(notice('contact.requested', { user: 'bob', by: ME }));
  assert.equal(relations().ties.get('bob')?.kind, 'asked');
  contacts.noticed(notice('contact.accepted', { user: 'bob', by: 'bob' }));
  // One who is a contact already is not asked again, whatever somebody types.
  await contacts.request('bob', 'hello?');
  assert.equal(relations().ties.get('bob')?.kind, 'contact');
  await contacts.block('bob', true);
  assert.deepEqual([relations().blocked.has('bob'), those(relations(), 'contact')], [true, ['bob']]);
  assert.deepEqual(
    sent.map(({ type }) => type),
    ['contact.request', 'contact.request', 'user.block'],
  );
});

test('requests that cross make contacts', async () => {
  const { contacts, relations } = page();
  contacts.noticed(notice('contact.requested', { user: BOB, by: BOB }));
  await contacts.request(BOB);
  assert.deepEqual(those(relations(), 'contact'), [BOB]);
});

test('those who ask are people whose names are asked for', () => {
  const { contacts, core } = page();
  contacts.noticed(notice('contact.requested', { user: BOB, by: BOB }));
  assert.deepEqual(store.strangers(core.state), [BOB]);
});
