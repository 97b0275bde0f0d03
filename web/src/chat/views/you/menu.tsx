// Who is signed in, how they are there, and the way to what is theirs.
import type { Chat } from '../../chat.ts';
import { STATUS_WORDS, STATUSES } from '../../nouns/status.ts';
import * as store from '../../store.ts';
import { Face } from '../face.tsx';
import { MoreIcon } from '../icons.tsx';
import { Menu } from '../menu.tsx';
import type { PanelName } from '../sidebar.tsx';

interface Props {
  chat: Chat;
  state: store.State;
  username: string;
  onPanel(name: PanelName): void;
}

export function YouMenu({ chat, state, username, onPanel }: Props) {
  const { me, status } = state;
  const name = state.people.get(me)?.displayName ?? username;
  // What others are shown of whoever is invisible.
  const seen =
    status === 'invisible'
      ? { online: false }
      : { online: true, ...((status === 'away' || status === 'dnd') && { status }) };
  return (
    <>
      <Face chat={chat} user={me} name={name} seen={seen} />
      <span class="me">
        <strong>{name}</strong>
        <span class="quiet">
          @{username}
          {status !== 'online' && ` · ${STATUS_WORDS[status]}`}
        </span>
      </span>
      <Menu
        label={`Your account, ${STATUS_WORDS[status].toLowerCase()}`}
        choices={[
          { label: 'Profile and settings', act: () => onPanel('you') },
          { label: 'Sessions and password', act: () => onPanel('sessions') },
          ...STATUSES.map(other => ({
            label: STATUS_WORDS[other],
            checked: other === status,
            act: () => chat.presence.choose(other),
          })),
        ]}
      >
        <MoreIcon />
      </Menu>
    </>
  );
}
