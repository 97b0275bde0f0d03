// Events for the tests.
import type { TidingsEvent } from '../src/protocol/frames.ts';

export const ME = 'me';
export const BOB = 'bob';
export const CONVERSATION = 'c1';

const happened = (seq: number, actor: string) =>
  ({ type: 'event', conversation: CONVERSATION, seq, actor, at: time(seq) }) as const;

export const time = (seq: number): string => new Date(Date.UTC(2026, 0, 1) + seq * 1_000).toISOString();

export const said = (seq: number, actor = BOB, message = `m${seq}`, text = `text ${seq}`): TidingsEvent => ({
  ...happened(seq, actor),
  kind: 'message.sent',
  data: { message, content: { kind: 'text', text } },
});

/** Messages are called by their seqs here. */
const place = (message: string): number => Number(message.slice(1));

export const edited = (seq: number, message: string, text: string): TidingsEvent => ({
  ...happened(seq, BOB),
  kind: 'message.edited',
  data: { message, message_seq: place(message), content: { kind: 'text', text } },
});

export const recalled = (seq: number, message: string): TidingsEvent => ({
  ...happened(seq, BOB),
  kind: 'message.recalled',
  data: { message, message_seq: place(message) },
});

export const withheld = (seq: number, message: string, on = true): TidingsEvent => ({
  ...happened(seq, BOB),
  kind: 'message.withheld',
  data: { message, message_seq: place(message), withheld: on },
});

export const reacted = (
  seq: number,
  message: string,
  emoji: string,
  on = true,
  actor = BOB,
): TidingsEvent => ({
  ...happened(seq, actor),
  kind: 'reaction.changed',
  data: { message, message_seq: place(message), emoji, on },
});

export const opened = (seq = 1): TidingsEvent => ({
  ...happened(seq, ME),
  kind: 'direct.opened',
  data: { users: [ME, BOB] },
});

export const added = (seq: number, user: string): TidingsEvent => ({
  ...happened(seq, BOB),
  kind: 'member.added',
  data: { user, role: 'member' },
});

export const left = (seq: number, user: string): TidingsEvent => ({
  ...happened(seq, user),
  kind: 'member.left',
  data: { user },
});

export const range = (from: number, to: number): TidingsEvent[] =>
  Array.from({ length: to - from + 1 }, (_, i) => said(from + i));
