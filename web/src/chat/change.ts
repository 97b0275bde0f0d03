// A change of a message that this person asked for, until its event shows it.
import type { Content } from '../protocol/frames.ts';
import { amended, type Entry, type MessageEntry } from './fold.ts';
import type { Log } from './log.ts';

export type Change = {
  id: string;
  message: string;
  /** Its place, once it is acked. */
  seq?: number;
  /** Why it failed. */
  reason?: string;
} & (
  | { kind: 'edit'; content: Content }
  | { kind: 'recall' }
  | { kind: 'react'; emoji: string; on: boolean }
  | { kind: 'pin'; on: boolean }
);

/** The changes that the window does not show by itself yet; `lastSeq` is the last event of the conversation that was heard. */
export function pending(changes: readonly Change[], log: Log | null, lastSeq: number): readonly Change[] {
  // A window whose end was let go of never comes to what is heard live, and takes in what that says of its messages.
  const to = log?.cut ? lastSeq : log?.to;
  const left = changes.filter(({ seq }) => seq === undefined || (to !== undefined && to < seq));
  return left.length < changes.length ? left : changes;
}

/** A message as this person wants it, where what they asked for has not come yet. */
export function wanted(message: MessageEntry, changes: readonly Change[], me: string): MessageEntry {
  let entry: Entry = message;
  for (const change of changes) {
    if (change.message !== message.id || change.reason !== undefined) continue;
    if (change.kind === 'recall') entry = amended(entry, { recalled: true });
    else if (change.kind === 'pin') entry = amended(entry, { pinned: change.on });
    else if (change.kind === 'edit') {
      entry = amended(entry, { edit: { content: change.content, at: message.editedAt ?? '' } });
    } else {
      const words = new Map([[me, change.on]]);
      entry = amended(entry, { reactions: new Map([[change.emoji, words]]) });
    }
  }
  return entry as MessageEntry;
}
