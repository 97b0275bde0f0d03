// How somebody says they are there.

export const STATUSES = ['online', 'away', 'dnd', 'invisible'] as const;
export type Status = (typeof STATUSES)[number];

export const STATUS_WORDS: Record<Status, string> = {
  online: 'Online',
  away: 'Away',
  dnd: 'Do not disturb',
  invisible: 'Invisible',
};

export const readStatus = (text: string | null): Status =>
  STATUSES.find(status => status === text) ?? 'online';

/** What is said: whoever has chosen nothing is away when nobody looks at the page. */
export const told = (chosen: Status, isAway: boolean): Status =>
  chosen === 'online' && isAway ? 'away' : chosen;
