// How somebody is there, in words.
import type { Seen } from '../../protocol/frames.ts';
import { shortTime } from './time.ts';

const THERE = { online: 'online', away: 'away', dnd: 'do not disturb' };

/** How somebody is there, or when they were last; empty where nobody knows. */
export function seenText(seen: Seen | undefined): string {
  if (!seen) return '';
  if (seen.online) return THERE[seen.status ?? 'online'];
  return seen.last_seen === undefined ? '' : `last seen ${shortTime(seen.last_seen)}`;
}
