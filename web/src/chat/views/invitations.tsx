// The groups that this person is invited to, above the list of conversations.
import type { Chat } from '../chat.ts';
import * as store from '../store.ts';
import { ProblemLine, useDoing } from './doing.tsx';

export function Invitations({ chat, state }: { chat: Chat; state: store.State }) {
  const open = new Map<string, store.Invitation>();
  // Several may invite to the same group: the first names it.
  for (const invitation of state.invitations) {
    const { conversation, until } = invitation;
    if (Date.parse(until) > chat.now() && !open.has(conversation)) open.set(conversation, invitation);
  }
  if (open.size === 0) return null;
  return (
    <ul class="invitations" aria-label="Invitations">
      {[...open.values()].map(invitation => (
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
  const doing = useDoing('Not answered');
  const { conversation, name } = invitation;
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
          aria-disabled={doing.busy}
          onClick={() => void doing.run(() => chat.invitations.decline(conversation))}
        >
          Decline
        </button>
        <button
          class="primary"
          type="button"
          aria-disabled={doing.busy}
          onClick={() => void doing.run(accept)}
        >
          Accept
        </button>
      </div>
      <ProblemLine of={doing} />
    </li>
  );
}
