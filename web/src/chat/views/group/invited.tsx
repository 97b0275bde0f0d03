// Asking people into a group, or putting them in, and who has been asked.
import { useState } from 'preact/hooks';
import { holds, listOf, type Invited as Invitation } from '../../nouns/governed.ts';
import * as store from '../../store.ts';
import { Avatar } from '../avatar.tsx';
import { ProblemLine, useDoing } from '../doing.tsx';
import { Section } from '../pane.tsx';
import { untilText } from '../time.ts';
import { MoreOf } from './more.tsx';
import type { Part } from './pane.tsx';

export function Invited(part: Part) {
  const { chat, conversation, governed } = part;
  const [username, setUsername] = useState('');
  const inviting = useDoing('Not invited');
  const adding = useDoing('Not added');
  const invitations = listOf(governed, 'invitations').filter(invitation => holds(invitation, chat.now()));
  const { id } = conversation;
  const name = username.trim();

  async function invite(event: Event): Promise<void> {
    event.preventDefault();
    if (await inviting.run(() => chat.governing.invite(id, name))) setUsername('');
  }
  async function add(): Promise<void> {
    if (name !== '' && (await adding.run(() => chat.governing.add(id, name)))) setUsername('');
  }

  return (
    <Section title="Invite people">
      <form class="pane-form" onSubmit={event => void invite(event)}>
        <label>
          Username
          <input
            value={username}
            required
            autoComplete="off"
            autoCapitalize="none"
            spellcheck={false}
            onInput={event => setUsername(event.currentTarget.value)}
          />
        </label>
        <ProblemLine of={inviting} />
        <ProblemLine of={adding} />
        <div class="actions">
          <button type="button" aria-disabled={adding.busy || inviting.busy} onClick={() => void add()}>
            Add at once
          </button>
          <button class="primary" type="submit" aria-disabled={adding.busy || inviting.busy}>
            Invite
          </button>
        </div>
      </form>
      <ul class="people" aria-label="Invited">
        {invitations.map(invitation => (
          <Item key={`${invitation.user} ${invitation.by}`} {...part} invitation={invitation} />
        ))}
      </ul>
      <MoreOf {...part} list="invitations" />
    </Section>
  );
}

function Item({ chat, state, conversation, allowed, invitation }: Part & { invitation: Invitation }) {
  const { user, by, until } = invitation;
  const doing = useDoing('Not withdrawn');
  const name = store.personName(state, user);
  return (
    <li>
      <Avatar id={user} name={name} />
      <span class="who">
        <strong>{name}</strong>
        <span class="quiet">
          invited by {by === state.me ? 'you' : store.personName(state, by)}, {untilText(until, chat.now())}
        </span>
      </span>
      {(by === state.me || allowed('withdraw')) && (
        <button
          class="small"
          type="button"
          aria-disabled={doing.busy}
          aria-label={`Withdraw the invitation of ${name}`}
          onClick={() => void doing.run(() => chat.governing.withdraw(conversation.id, user))}
        >
          Withdraw
        </button>
      )}
      <ProblemLine of={doing} />
    </li>
  );
}
