// Hiding messages from oneself, here and on all devices.
import type { Ack, Notice } from '../protocol/frames.ts';
import * as storage from '../shared/storage.ts';
import type { Core } from './core.ts';
import { hiddenBy, NOTHING_HIDDEN } from './nouns/hidden.ts';
import * as queries from './queries.ts';
import * as store from './store.ts';

/** So many conversations are remembered as cleared; of others, messages come without content. */
const KEPT_MAX = 500;
/** Read models may be so far behind a notice. */
const LAG_MS = 1_500;
const key = (user: string): string => `tidings.cleared.${user}`;

export class Hiding {
  private readonly asking = new Set<ReturnType<typeof setTimeout>>();

  constructor(private readonly core: Core) {
    const cleared = stored(core.state.me);
    if (cleared.size > 0) core.update(state => ({ ...state, hidden: { ...NOTHING_HIDDEN, cleared } }));
  }

  /** Fails with a sentence for people, as the other one does. */
  async hide(conversation: string, message: string): Promise<void> {
    const { socket } = this.core;
    await this.summarize(await socket.command({ type: 'message.hide', conversation, messages: [message] }));
  }

  /** Everything that has been said so far. */
  async clear(conversation: string): Promise<void> {
    const { socket, state } = this.core;
    const seq = state.conversations.get(conversation)?.lastSeq;
    if (seq === undefined) return;
    await this.summarize(await socket.command({ type: 'conversation.clear', conversation, seq }));
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
    const timer = setTimeout(() => {
      this.asking.delete(timer);
      core.update(state => store.withPartial(state, conversation));
      core.lookAfter();
    }, LAG_MS);
    this.asking.add(timer);
  }

  stop(): void {
    for (const timer of this.asking) clearTimeout(timer);
  }

  /** What is the last message now, and how many are unread. */
  private async summarize({ conversation, position }: Ack): Promise<void> {
    const { core } = this;
    // The notice tells it as well, a little later.
    const found = await queries
      .findConversation(core.ask, core.state.me, conversation, position)
      .catch(() => null);
    if (found) core.update(state => store.withSummaries(state, found.summaries));
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
