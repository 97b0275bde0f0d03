// What somebody has hidden from themselves: messages, and everything up to a place in a conversation. It stays so, for ever.
import type { Notice } from '../../protocol/frames.ts';
import type { Entry } from '../fold.ts';
import type { Log } from '../log.ts';

export interface Hidden {
  /** Ids of messages that this page has been told of. Of others the log tells: they come without their content. */
  messages: ReadonlySet<string>;
  /** By conversation, up to which seq it is cleared. */
  cleared: ReadonlyMap<string, number>;
}

export const NOTHING_HIDDEN: Hidden = { messages: new Set(), cleared: new Map() };

/**
 * Whether an entry is not to be drawn, in a conversation that begins at `first`. What has no content was recalled, of which an event
 * tells, is withheld, or is hidden.
 */
export function isHidden(entry: Entry, log: Log, { messages }: Hidden, first: number): boolean {
  if (entry.seq < first) return true;
  if (entry.kind !== 'message') return false;
  if (messages.has(entry.id)) return true;
  return entry.content === null && !entry.withheld && !log.amended.get(entry.id)?.recalled;
}

/** What is hidden after a notice; the same where it tells of something else. */
export function hiddenBy(hidden: Hidden, notice: Notice): Hidden {
  const { conversation, messages, seq } = notice.data as {
    conversation?: unknown;
    messages?: unknown;
    seq?: unknown;
  };
  if (typeof conversation !== 'string') return hidden;
  if (notice.kind === 'message.hidden' && Array.isArray(messages)) {
    const ids = messages.filter((id): id is string => typeof id === 'string');
    return { ...hidden, messages: new Set([...hidden.messages, ...ids]) };
  }
  if (notice.kind === 'conversation.cleared' && typeof seq === 'number') {
    const furthest = Math.max(seq, hidden.cleared.get(conversation) ?? 0);
    return { ...hidden, cleared: new Map(hidden.cleared).set(conversation, furthest) };
  }
  return hidden;
}
