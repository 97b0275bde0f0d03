// What people tell of themselves, and how they say that they are there.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Core } from '../src/chat/core.ts';
import { profileChange } from '../src/chat/nouns/profile.ts';
import { readStatus, told } from '../src/chat/nouns/status.ts';
import { Profiles } from '../src/chat/profiles.ts';
import * as store from '../src/chat/store.ts';
import { ME, time } from './events.ts';

test('only what was written otherwise is named, and what was taken away is empty', () => {
  const before = { displayName: 'Ann', about: 'from the mill' };
  assert.deepEqual(profileChange(before, 'Ann', 'from the mill'), {});
  assert.deepEqual(profileChange(before, 'Anna', ''), { display_name: 'Anna', about: '' });
  assert.deepEqual(profileChange({ displayName: 'Ann', about: null }, 'Ann', ''), {});
});

test('whoever has chosen nothing is away when nobody looks, and what was chosen stays', () => {
  assert.deepEqual(
    [told('online', false), told('online', true), told('dnd', true), told('invisible', true)],
    ['online', 'away', 'dnd', 'invisible'],
  );
  assert.deepEqual([readStatus('dnd'), readStatus('asleep'), readStatus(null)], ['dnd', 'online', 'online']);
});

test('what one changes of oneself is asked for as of its ack, and others of the page know the name at once', async () => {
  const own = { id: ME, username: 'ann', displayName: 'Ann' };
  const asked: (string | undefined)[] = [];
  const user = {
    ...own,
    displayName: 'Anna',
    about: null,
    isDeleted: false,
    lastSeen: null,
    avatar: { small: null, large: '/large' },
    names: [{ displayName: 'Anna' }, { displayName: 'Ann' }, { displayName: 'Ann' }],
    settings: { receipts: true, lastSeen: 'CONTACTS', direct: 'EVERYONE', addMe: 'NOBODY' },
  };
  const core = {
    state: store.withPeople(store.initialState(ME), [own]),
    update: (next: (state: store.State) => store.State) => void (core.state = next(core.state)),
    ask: (_: string, __: object, after?: string) => {
      asked.push(after);
      return Promise.resolve({ user });
    },
    socket: { command: () => Promise.resolve({ position: '2:7' }) },
  };
  const profiles = new Profiles(core as unknown as Core, () => Promise.resolve('t'));
  const changed = await profiles.change({ display_name: 'Anna' });
  assert.deepEqual(asked, ['2:7']);
  assert.equal(core.state.people.get(ME)?.displayName, 'Anna');
  assert.deepEqual(changed.names, ['Ann']);
  assert.deepEqual(changed.picture, { small: '/large', large: '/large' });
  assert.deepEqual(changed.settings, {
    receipts: true,
    last_seen: 'contacts',
    direct: 'everyone',
    add_me: 'nobody',
  });
  // Another device tells of another name.
  profiles.noticed({
    type: 'notice',
    seq: 1,
    kind: 'profile.updated',
    at: time(1),
    data: { display_name: 'A.' },
  });
  assert.equal(core.state.people.get(ME)?.displayName, 'A.');
  profiles.stop();
});
