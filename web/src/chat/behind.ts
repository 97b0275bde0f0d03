// Whether an answer lacks what events have told this page: the read models lag, and it is to be asked for again.
import type { MessageEntry } from './fold.ts';
import type { Log } from './log.ts';
import { repliesThere } from './nouns/thread.ts';
import type { Pinned, SeenBy, ThreadSummary, Version } from './queries.ts';
import { firstSeq, type Conversation, type State } from './store.ts';

const messages = (log: Log | null): MessageEntry[] =>
  (log?.entries ?? []).filter(entry => entry.kind === 'message');

export const pinsLack = (pins: readonly Pinned[], { log }: Pick<Conversation, 'log'>): boolean =>
  messages(log).some(({ seq, pinned }) => pinned !== pins.some(pin => pin.seq === seq));

export const threadsLack = (
  threads: readonly ThreadSummary[],
  { id, log }: Pick<Conversation, 'id' | 'log'>,
  { hidden }: Pick<State, 'hidden'>,
): boolean =>
  messages(log).some(entry => {
    const counted = threads.find(({ root }) => root === entry.id)?.replies ?? 0;
    return repliesThere(entry, log, hidden, firstSeq({ hidden }, id)) > counted;
  });

export const versionsLack = (
  versions: readonly Version[],
  { editedAt }: Pick<MessageEntry, 'editedAt'>,
): boolean => Boolean(editedAt) && !versions.some(({ at }) => Date.parse(at) >= Date.parse(editedAt!));

/** Who has read a thread has not read the conversation so far. */
export const readersLack = (
  { read }: Pick<SeenBy, 'read'>,
  { seq, thread }: Pick<MessageEntry, 'seq' | 'thread'>,
  { reads }: Pick<Conversation, 'reads'>,
): boolean => thread === null && [...reads.values()].filter(upTo => upTo >= seq).length > read.length;
