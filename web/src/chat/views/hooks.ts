// What several views need.
import { useEffect, useState } from 'preact/hooks';
import type { Chat } from '../chat.ts';
import { isMuted } from '../nouns/mark.ts';
import type { State } from '../store.ts';
import { waitText } from './time.ts';

/** The present state of a chat; the view is drawn again when it changes. */
export function useChat(chat: Chat): State {
  const [state, setState] = useState(chat.state);
  useEffect(() => {
    setState(chat.state);
    return chat.subscribe(() => setState(chat.state));
  }, [chat]);
  return state;
}

/** The time, drawn again every second while `on`. */
export function useNow(on: boolean): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    if (!on) return;
    setNow(Date.now());
    const timer = setInterval(() => setNow(Date.now()), 1_000);
    return () => clearInterval(timer);
  }, [on]);
  return now;
}

/** How many unread messages somebody should be told of; in muted conversations, those that mention them. */
export function unreadTotal({ conversations }: State, now: number): number {
  let total = 0;
  for (const { unread, mentioned, marks } of conversations.values()) {
    total += isMuted(marks, now) ? mentioned : unread;
  }
  return total;
}

/** What went wrong, as a sentence for people. */
export const sentence = (error: unknown): string =>
  error instanceof Error
    ? error.message.charAt(0).toUpperCase() + error.message.slice(1) + againText(error)
    : 'Something went wrong.';

/** When the same may be tried again, where the server says so. */
function againText(error: Error): string {
  const { retryAfterMs: wait } = error as { retryAfterMs?: number };
  if (wait === undefined || wait < 1_000) return '';
  const stop = /[.!?]$/.test(error.message) ? '' : '.';
  return `${stop} Try again in ${waitText(wait)}.`;
}
