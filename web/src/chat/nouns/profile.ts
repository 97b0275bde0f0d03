// What people tell of themselves, and what this person lets others do and know.
import type { Audience, Notice } from '../../protocol/frames.ts';

export interface OwnSettings {
  receipts: boolean;
  last_seen: Audience;
  direct: Audience;
  add_me: Audience;
}

/** What is asked of somebody who is looked at. */
export interface Profile {
  id: string;
  username: string;
  displayName: string;
  about: string | null;
  isDeleted: boolean;
  lastSeen: string | null;
  /** A small picture, and a larger one. */
  picture: { small: string; large: string } | null;
  /** Names from before, the newest first. */
  names: readonly string[];
  /** Of oneself alone. */
  settings: OwnSettings | null;
}

/** What `profile.update` names. An empty text takes something away. */
export interface ProfileChange {
  display_name?: string;
  about?: string;
  avatar?: string;
}

/** What was written and is not what was shown before. */
export function profileChange(
  before: Pick<Profile, 'displayName' | 'about'>,
  name: string,
  about: string,
): ProfileChange {
  return {
    ...(name !== before.displayName && { display_name: name }),
    ...(about !== (before.about ?? '') && { about }),
  };
}

/** The name that this person has given themselves, where a notice says so. */
export function renamed({ kind, data }: Notice): string | null {
  const { display_name: name } = data as { display_name?: unknown };
  return kind === 'profile.updated' && typeof name === 'string' ? name : null;
}

/** Whether a notice says that this person shows another picture. */
export const isOfPicture = ({ kind, data }: Notice): boolean =>
  kind === 'profile.updated' && 'avatar' in data;
