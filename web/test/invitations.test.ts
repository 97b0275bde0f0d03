// What becomes of invitations on the page, with a server that is none.
import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import type { Core } from '../src/chat/core.ts';
import { Invitations } from '../src/chat/invitations.ts';
import type { Notice } from '../src/protocol/frames.ts';
import * as store from '../src/chat/store.ts';
import { settle } from './browser.ts';

const invitation = (conversation: string, by = 'a1'): store.Invitation => ({
  conversation,
  name: 'walkers',
  by,
  until: '2099-01-01T00:00:00.000Z',
});

const notice = (kind: string, data: object): Notice => ({
  type: 'notice',
  seq: 1,
  kind,
  at: '2026-01-01T00:00:00.000Z',
  data,
});

/** A page whose questions are answered when the test says so. */
function page() {
  mock.timers.reset();
  mock.timers.enable({ apis: ['setTimeout', 'setInterval'] });
  const answers: ((found: string[] | null) => void)[] = [];
  const core = {
    state: store.initialState('ben'),
    update(next: (state: store.State) => store.State) {
      core.state = next(core.state);
    },
    ask: (query: string) =>
      new Promise((resolve, reject) => {
        if (!query.startsWith('query Invitations')) return;
        const by = { id: 'a1', username: 'ann', displayName: 'Ann' };
        answers.push(found =>
          found
            ? resolve({ invitations: { nodes: found.map(id => ({ ...invitation(id), by })) } })
            : reject(new Error('the server is busy')),
        );
      }),
    socket: { command: ({ conversation }: { conversation: string }) => Promise.resolve({ conversation }) },
  };
  const invitations = new Invitations(core as unknown as Core, ack => Promise.resolve(ack.conversation));
  const shown = () => core.state.invitations.map(({ conversation }) => conversation);
  return { invitations, answers, shown, core };
}

test('what is heard while the list is asked for is newer than the list', async () => {
  const { invitations, answers, shown, core } = page();
  void invitations.reconnected();
  invitations.noticed(notice('group.invited', invitation('new')));
  invitations.noticed(notice('invitation.ended', { conversation: 'old', outcome: 'withdrawn' }));
  answers[0]!(['old', 'still']);
  await settle();
  assert.deepEqual(shown(), ['still', 'new']);
  assert.equal(core.state.people.get('a1')?.displayName, 'Ann');
});

test('of several who invite to a group each ends their own, and the page asks who is left', async () => {
  const { invitations, answers, core } = page();
  const named = () => core.state.invitations.map(({ conversation, by }) => `${conversation} by ${by}`);
  void invitations.reconnected();
  answers[0]!(['g']);
  await settle();
  invitations.noticed(notice('group.invited', invitation('g', 'b1')));
  invitations.noticed(notice('invitation.ended', { conversation: 'g', outcome: 'withdrawn', by: 'a1' }));
  assert.deepEqual(named(), ['g by b1']);
  assert.equal(answers.length, 1);
  // An answer that does not know of it yet brings nothing back.
  mock.timers.tick(1_500);
  await settle();
  answers[1]!(['g']);
  await settle();
  assert.deepEqual(named(), ['g by b1']);
  invitations.noticed(notice('invitation.ended', { conversation: 'g', outcome: 'withdrawn', by: 'b1' }));
  assert.deepEqual(named(), []);
  await settle();
  assert.equal(answers.length, 3);
  invitations.noticed(notice('group.invited', invitation('g', 'c1')));
  invitations.noticed(notice('invitation.ended', { conversation: 'g', outcome: 'declined' }));
  answers[2]!(['g', 'h']);
  await settle();
  assert.deepEqual(named(), ['h by a1']);
});

test('an answer to an earlier connection is not taken', async () => {
  const { invitations, answers, shown } = page();
  const first = invitations.reconnected();
  void invitations.reconnected();
  answers[1]!(['now']);
  await settle();
  answers[0]!(['then']);
  await first;
  assert.deepEqual(shown(), ['now']);
});

test('what is answered waits no more', async () => {
  const { invitations, answers, shown } = page();
  void invitations.reconnected();
  answers[0]!(['a', 'b']);
  await settle();
  assert.equal(await invitations.accept('a'), 'a');
  await invitations.decline('b');
  assert.deepEqual(shown(), []);
});

test('what has no answer is asked again, without another connection', async () => {
  const { invitations, answers, shown } = page();
  void invitations.reconnected();
  answers[0]!(null);
  await settle();
  mock.timers.tick(5_000);
  await settle();
  assert.equal(answers.length, 2);
  answers[1]!(['late']);
  await settle();
  assert.deepEqual(shown(), ['late']);
});

test('whoever invites is somebody whose name is asked for', () => {
  const { invitations, core } = page();
  invitations.noticed(notice('group.invited', invitation('new')));
  assert.deepEqual(store.strangers(core.state), ['a1']);
});
