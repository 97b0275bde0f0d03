// Somebody's picture, where they show one, and else their initials.
import { useEffect, useReducer, useState } from 'preact/hooks';
import type { Seen } from '../../protocol/frames.ts';
import type { Chat } from '../chat.ts';
import { Avatar } from './avatar.tsx';

interface Props {
  chat: Chat;
  /** Who it is. */
  user: string;
  name: string;
  seen?: Seen | undefined;
}

export function Face({ chat, user, name, seen }: Props) {
  const { faces } = chat.profiles;
  const [, draw] = useReducer((count: number) => count + 1, 0);
  const [broken, setBroken] = useState('');
  useEffect(() => faces.watch(user, () => draw(undefined)), [faces, user]);
  const address = faces.get(user)?.address ?? null;
  return (
    <Avatar
      id={user}
      name={name}
      seen={seen}
      picture={address === broken ? null : address}
      onBroken={() => {
        // Addresses hold for a while only: another one is asked for.
        setBroken(address ?? '');
        faces.again(user);
      }}
    />
  );
}
