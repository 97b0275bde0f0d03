// Hiding messages from oneself, here and on all devices.
import type { Ack, Notice } from '../protocol/frames.ts';
import * as storage from '../shared/storage.ts';
import type { Core } from './core.ts';
import { hiddenBy, NOTHING_HIDDEN } from './nouns/hidden.ts';
import type { Summaries } from './summaries.ts';

/** So many conversations are remembered as cleared; of others, messages come without content. */
const KEPT_MAX = 500;
const key = (user: string): string => `tidings.cleared.${user}`;

export class Hiding {
  constructor(
    private readonly core: Core,
    private readonly summaries: Summaries,
  ) {
    const cleared = stored(core.state.me);
    if (cleared.size > 0) core.update(state => ({ ...state, hidden: { ...NOTHING_HIDDEN, cleared } }));
  }

  /** Fails with a sentence for people, as the other one does. */
  async hide(conversation: string, message: string): Promise<void> {
    const { socket } = this.core;
    this.summarize(await socket.command({ type: 'message.hide', conversation, messages: [message] }));
  }

  /** Everything that has been said so far. */
  async clear(conversation: string): Promise<void> {
    const { socket, state } = this.core;
    const seq = state.conversations.get(conversation)?.lastSeq;
    if (seq === undefined) return;
    this.summarize(await socket.command({ type: 'conversation.clear', conversation, seq }));
  }

  noticed(notice: Notice): void {
    const { core } = this;
    const before = core.state.hidden;
    const hidden = hiddenBy(before, notice);
    if (hidden === before) return;
    core.update(state => ({ ...state, hidden }));
    if (hidden.cleared !== before.cleared) {
      const kept = [...hidden.cleared].slice(-KEPT_MAX);
      storage.write(key(core.state.me), JSON.stringify(Object.fromEntries(kept)));
    }
    const { conversation } = notice.data as { conversation: string };
    if (this.summaries.lack(notice)) this.summaries.renewSoon(conversation);
  }

  /** What is the last message now, and how many are unread. */
  private summarize({ conversation, position }: Ack): void {
    void this.summaries.renew(conversation, position);
  }
}

function stored(user: string): Map<string, number> {
  try {
    const seqs = JSON.parse(storage.read(key(user)) ?? '{}') as Record<string, unknown>;
    return new Map(
      Object.entries(seqs).filter((entry): entry is [string, number] => Number.isSafeInteger(entry[1])),
    );
  } catch {
    return new Map();
  }
}
