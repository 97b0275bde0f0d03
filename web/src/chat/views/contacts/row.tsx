// Somebody in the lists of contacts, with what can be done.
import type { Chat } from '../../chat.ts';
import * as store from '../../store.ts';
import { Face } from '../face.tsx';
import { ProblemLine, useDoing } from '../doing.tsx';
import { MoreIcon } from '../icons.tsx';
import { Menu } from '../menu.tsx';
import { useBlocking } from './block.tsx';
import { TieActions } from './tie.tsx';

interface Props {
  chat: Chat;
  state: store.State;
  user: string;
  /** Whether it stands here for being blocked, or for what it is otherwise. */
  kind: 'blocked' | 'tie';
  onOpened(conversation: string): void;
}

export function ContactRow({ chat, state, user, kind, onOpened }: Props) {
  const doing = useDoing('It did not work');
  const blocking = useBlocking(chat, state, user);
  const name = store.personName(state, user);
  const tie = state.relations.ties.get(user);
  const handle = store.handle(state.people.get(user));
  const write = (): void => void doing.run(async () => onOpened(await chat.openWith(user)));
  const isContact = kind === 'tie' && tie?.kind === 'contact';
  return (
    <li>
      <Face chat={chat} user={user} name={name} seen={state.seen.get(user)} />
      <span class="who">
        <strong>{name}</strong>
        {handle && <span class="quiet">{handle}</span>}
        {kind === 'tie' && tie?.kind === 'asks' && tie.text !== null && <span>{tie.text}</span>}
      </span>
      {kind === 'blocked' ? (
        <button
          class="small"
          type="button"
          aria-disabled={blocking.doing.busy}
          aria-label={`Unblock ${name}`}
          onClick={blocking.unblock}
        >
          Unblock
        </button>
      ) : isContact ? (
        <Menu
          label={`What to do with ${name}`}
          choices={[
            { label: 'Write', act: write },
            { label: 'Remove from contacts', act: () => void doing.run(() => chat.contacts.remove(user)) },
            blocking.choice,
          ]}
        >
          <MoreIcon />
        </Menu>
      ) : (
        <TieActions chat={chat} state={state} user={user} />
      )}
      <ProblemLine of={doing} />
      <ProblemLine of={blocking.doing} />
      {blocking.question}
    </li>
  );
}
