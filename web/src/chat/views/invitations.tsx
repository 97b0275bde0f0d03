// The groups that this person is invited to, above the list of conversations.
import { useState } from 'preact/hooks';
import type { Chat } from '../chat.ts';
import * as store from '../store.ts';
import { sentence } from './hooks.ts';

export function Invitations({ chat, state }: { chat: Chat; state: store.State }) {
  const open = state.invitations.filter(({ until }) => Date.parse(until) > chat.now());
  if (open.length === 0) return null;
  return (
    <ul class="invitations" aria-label="Invitations">
      {open.map(invitation => (
        <Invited
          key={invitation.conversation}
          chat={chat}
          invitation={invitation}
          by={store.personName(state, invitation.by)}
        />
      ))}
    </ul>
  );
}

function Invited({ chat, invitation, by }: { chat: Chat; invitation: store.Invitation; by: string }) {
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState('');
  const { conversation, name } = invitation;

  async function answer(act: () => Promise<unknown>): Promise<void> {
    setBusy(true);
    setProblem('');
    try {
      await act();
    } catch (error) {
      setProblem(sentence(error));
      setBusy(false);
    }
  }

  const accept = async () => {
    location.hash = await chat.invitations.accept(conversation);
  };
  return (
    <li>
      <p>
        {by} invites you to <strong>{name}</strong>
      </p>
      <div class="actions">
        <button
          type="button"
          disabled={busy}
          onClick={() => void answer(() => chat.invitations.decline(conversation))}
        >
          Decline
        </button>
        <button class="primary" type="button" disabled={busy} onClick={() => void answer(accept)}>
          Accept
        </button>
      </div>
      <p class="problem" role="alert">
        {problem}
      </p>
    </li>
  );
}
