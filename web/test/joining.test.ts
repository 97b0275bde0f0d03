// Coming into a group of oneself, with a server that is none.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Core } from '../src/chat/core.ts';
import { Joining } from '../src/chat/joining.ts';
import * as store from '../src/chat/store.ts';
import type { CommandBody } from '../src/protocol/frames.ts';
import { Refusal } from '../src/protocol/socket.ts';

/** A page whose commands are answered by the test. */
function page(answer: (command: CommandBody) => object) {
  const commands: CommandBody[] = [];
  const shown: string[] = [];
  const core = {
    state: store.initialState('ben'),
    socket: {
      command: async (command: CommandBody) => {
        commands.push(command);
        return answer(command);
      },
    },
  };
  const joining = new Joining(core as unknown as Core, async ({ conversation }) => {
    shown.push(conversation);
    return conversation;
  });
  return { joining, commands, shown };
}

test('whoever comes in is shown the group, and whoever has to ask waits in front of it', async () => {
  const inside = page(() => ({ conversation: 'walkers' }));
  const came = await inside.joining.join({ kind: 'link', secret: 's' });
  assert.deepEqual(came, { conversation: 'walkers', asks: false });
  assert.deepEqual(inside.shown, ['walkers']);

  const outside = page(() => ({ conversation: 'walkers', data: { pending: true } }));
  const asked = await outside.joining.join({ kind: 'ask', conversation: 'walkers' });
  assert.deepEqual(asked, { conversation: 'walkers', asks: true });
  assert.deepEqual(outside.shown, []);
});

test('whoever asks to be let in takes that back in their own name', async () => {
  const { joining, commands } = page(() => ({ conversation: 'walkers' }));
  await joining.takeBack('walkers');
  assert.deepEqual(commands, [{ type: 'group.withdraw', conversation: 'walkers', user: 'ben' }]);
});

test('whoever was refused meanwhile asks no more, and whoever was let in is told that', async () => {
  const refused = page(() => {
    throw new Refusal('not_a_member', 'not a member');
  });
  await refused.joining.takeBack('walkers');
  const letIn = page(() => {
    throw new Refusal('not_found', 'there is nothing to be taken back', 'user');
  });
  await assert.rejects(letIn.joining.takeBack('walkers'), /nothing to be taken back/);
});
