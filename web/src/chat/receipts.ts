// How far one's own messages have come. Receipts tell of it live; what came before this page was open is asked for.
import type { Core } from './core.ts';
import * as queries from './queries.ts';
import * as store from './store.ts';

/** So many of the newest are asked about. */
const ASKED_MAX = 5;

export class Receipts {
  /** Conversations that were asked about since the connection stands. */
  private readonly asked = new Set<string>();

  constructor(private readonly core: Core) {}

  /** Receipts may have been missed. */
  reconnected(): void {
    this.asked.clear();
  }

  /** Asks once about the conversation that is shown. */
  async look(): Promise<void> {
    const { core } = this;
    const { me, selected, conversations } = core.state;
    const shown = selected === null ? undefined : conversations.get(selected);
    if (!shown?.log || shown.history === 'loading' || this.asked.has(shown.id)) return;
    const { id } = shown;
    this.asked.add(id);
    // Who has read a thread has not read the conversation so far.
    const mine = shown.log.entries.flatMap(entry =>
      entry.kind === 'message' && entry.sender === me && entry.thread === null
        ? [{ ...queries.placeOf(`${id}/${entry.id}`), seq: entry.seq }]
        : [],
    );
    if (mine.length === 0) return;
    try {
      const receipts = await queries.findReceipts(core.ask, mine.slice(-ASKED_MAX));
      core.update(state => store.withReceipts(state, id, receipts));
    } catch {
      this.asked.delete(id);
    }
  }

  seenBy(id: string, message: string): Promise<queries.SeenBy> {
    return queries.findSeenBy(this.core.ask, id, message);
  }
}
