// What a noun says of its events.
import type { TidingsEvent } from '../../protocol/frames.ts';
import type { Fold } from '../fold.ts';
import type { Conversation } from '../store.ts';

export type Kind = TidingsEvent['kind'];
export type EventOf<K extends Kind> = Extract<TidingsEvent, { kind: K }>;

export interface Handler<E> {
  /** Brings the summary of a conversation forward by an event. `conversation` is a copy that may be changed. */
  summarize?(conversation: Conversation, event: E, me: string): void;
  /** Puts an event into a stretch of the conversation. */
  fold(into: Fold, event: E): void;
  /** A line that says what happened, where it is shown by itself. */
  caption?(event: E, name: (user: string) => string): string;
}

/** By kind, for some of the kinds. */
export type Noun<K extends Kind> = { [P in K]: Handler<EventOf<P>> };
