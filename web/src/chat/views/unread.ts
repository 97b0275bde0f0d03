// The way to the first of the messages that somebody had not read when they came to a conversation.
import type { RefObject } from 'preact';
import { useState } from 'preact/hooks';
import type { Log } from '../log.ts';
import type { Conversation } from '../store.ts';

interface Unread {
  /** How many there are, while the first of them has not been in view. */
  above: number;
  /** Looks whether the first of them is in view now. */
  look(): void;
}

export function useUnread(
  list: RefObject<HTMLElement | null>,
  log: Log | null,
  fresh: Conversation['fresh'],
): Unread {
  const [seen, setSeen] = useState<Conversation['fresh']>(null);

  function look(): void {
    const element = list.current;
    if (!fresh || seen === fresh || !element || !log || log.from > fresh.after + 1) return;
    const line = element.querySelector<HTMLElement>('.line.unread');
    if (!line || line.offsetTop >= element.scrollTop) setSeen(fresh);
  }

  return { above: fresh && seen !== fresh ? fresh.count : 0, look };
}
