// How a group is set, and what its settings say in words.
import type { GroupSettings } from '../../protocol/frames.ts';

export type Settings = Required<GroupSettings>;

/** Settings that say whom something is for, and what they let people do. */
export const RIGHTS = {
  post: 'write',
  threads: 'reply in threads',
  attach: 'show files',
  react: 'react',
  everyone: 'mention everyone',
  pin: 'pin messages',
  invite: 'add people',
} as const;

export type Rights = keyof typeof RIGHTS;

export const JOINING: Record<Settings['join'], string> = {
  invite: 'people come in by invitation',
  request: 'people ask to be let in',
  open: 'everybody may come in',
};

/** As groups are that nobody has set otherwise. */
export const USUAL: Settings = {
  post: 'members',
  threads: 'members',
  attach: 'members',
  react: 'members',
  everyone: 'admins',
  pin: 'admins',
  invite: 'admins',
  forward: true,
  history: 'shared',
  join: 'invite',
  slow_s: 0,
};

/** What became another, in words. */
export function changes(settings: GroupSettings): string[] {
  return Object.entries(settings).map(([setting, value]) => {
    if (setting === 'slow_s') return value === 0 ? 'no slow mode' : `${value} seconds between two messages`;
    if (setting === 'join') return JOINING[value as Settings['join']] ?? `joining: ${value}`;
    if (setting === 'history')
      return value === 'joined' ? 'newcomers see new messages only' : 'newcomers see all messages';
    if (setting === 'forward') return value ? 'messages may be forwarded' : 'messages are not forwarded';
    const right = RIGHTS[setting as Rights] ?? setting;
    return value === 'members' ? `members may ${right}` : `only owners and admins ${right}`;
  });
}

/** Those of the wanted settings that are others than before: what is sent. */
export const changed = (before: Settings, wanted: Settings): GroupSettings =>
  Object.fromEntries(
    Object.entries(wanted).filter(([setting, value]) => before[setting as keyof Settings] !== value),
  );
