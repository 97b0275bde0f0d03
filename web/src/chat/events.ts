// What an event does to this page, whatever its kind: each noun says it of its own.
import type { TidingsEvent } from '../protocol/frames.ts';
import { isInMain, type Fold } from './fold.ts';
import { direct } from './nouns/direct.ts';
import { governance } from './nouns/governance.ts';
import { group } from './nouns/group.ts';
import { message } from './nouns/message.ts';
import type { Handler, Kind, Noun } from './nouns/noun.ts';
import { pin } from './nouns/pin.ts';
import { reaction } from './nouns/reaction.ts';
import { withholding } from './nouns/withholding.ts';
import type { Conversation } from './store.ts';

const NOUNS: Noun<Kind> = {
  ...direct,
  ...group,
  ...governance,
  ...message,
  ...reaction,
  ...pin,
  ...withholding,
};

/** None for a kind that a later server may have. */
const handler = (event: TidingsEvent): Handler<TidingsEvent> | undefined =>
  // The table says which event belongs to which handler; a look-up loses that.
  Object.hasOwn(NOUNS, event.kind) ? (NOUNS[event.kind] as Handler<TidingsEvent>) : undefined;

/** Brings the fields of a summary forward by one event. */
export function summarize(conversation: Conversation, event: TidingsEvent, me: string): void {
  conversation.lastSeq = event.seq;
  // What is said in threads alone does not bring a conversation up.
  if (event.kind !== 'message.sent' || isInMain(event.data)) conversation.lastAt = event.at;
  handler(event)?.summarize?.(conversation, event, me);
}

export function fold(into: Fold, event: TidingsEvent): void {
  handler(event)?.fold(into, event);
}

/** What happened, as a line of text; empty for what is not shown by itself. */
export const caption = (event: TidingsEvent, name: (user: string) => string): string =>
  handler(event)?.caption?.(event, name) ?? '';
