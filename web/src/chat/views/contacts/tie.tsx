// What can be done about somebody's being a contact.
import type { Chat } from '../../chat.ts';
import * as store from '../../store.ts';
import { ProblemLine, useDoing } from '../doing.tsx';

interface Props {
  chat: Chat;
  state: store.State;
  user: string;
}

export function TieActions({ chat, state, user }: Props) {
  const doing = useDoing('It did not work');
  const name = store.personName(state, user);
  const { contacts } = chat;
  const button = (label: string, act: () => Promise<void>, look = 'small') => (
    <button
      class={look}
      type="button"
      aria-disabled={doing.busy}
      aria-label={`${label}: ${name}`}
      onClick={() => void doing.run(act)}
    >
      {label}
    </button>
  );
  const kind = state.relations.ties.get(user)?.kind;
  return (
    <>
      <span class="actions">
        {kind === undefined && button('Ask to be a contact', () => contacts.request(user))}
        {kind === 'contact' && button('Remove from contacts', () => contacts.remove(user))}
        {kind === 'asked' && button('Withdraw', () => contacts.withdraw(user))}
        {kind === 'asks' && button('Decline', () => contacts.decline(user))}
        {kind === 'asks' && button('Accept', () => contacts.accept(user), 'primary small')}
      </span>
      <ProblemLine of={doing} />
    </>
  );
}
