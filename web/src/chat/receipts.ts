// How far one's own messages have come. Receipts tell of it live; what came before this page was open is asked for.
import { again } from './again.ts';
import type { Core } from './core.ts';
import * as queries from './queries.ts';
import * as store from './store.ts';

/** So many of the newest are asked about. */
const ASKED_MAX = 5;

export class Receipts {
  /** Conversations that were asked about since the connection stands. */
  private asked = new Set<string>();

  constructor(private readonly core: Core) {}

  /** Receipts may have been missed. */
  reconnected(): void {
    this.asked = new Set();
  }

  /** Asks about the conversation that is shown, until its last message is known to be read or the read models have had time. */
  async look(): Promise<void> {
    const { core } = this;
    const { me, selected, conversations } = core.state;
    const shown = selected === null ? undefined : conversations.get(selected);
    if (!shown?.log || shown.history === 'loading' || this.asked.has(shown.id)) return;
    const { id } = shown;
    const { asked } = this;
    // Who has read a thread has not read the conversation so far.
    const mine = shown.log.entries.flatMap(entry =>
      entry.kind === 'message' && entry.sender === me && entry.thread === null
        ? [{ ...queries.placeOf(`${id}/${entry.id}`), seq: entry.seq }]
        : [],
    );
    const last = mine.at(-1);
    if (!last) return;
    asked.add(id);
    const isRead = (): boolean =>
      [...(core.state.conversations.get(id)?.reads.values() ?? [])].some(seq => seq >= last.seq);
    let answered = false;
    const ask = async (): Promise<true | null> => {
      const receipts = await queries.findReceipts(core.ask, mine.slice(-ASKED_MAX)).catch(() => null);
      answered = receipts !== null;
      if (receipts) core.update(state => store.withReceipts(state, id, receipts));
      return isRead() ? true : null;
    };
    // The next connection asks anew.
    const known = await again(ask, () => core.closed || asked !== this.asked);
    // Without an answer it is asked for again when something else happens.
    if (!known && !answered) asked.delete(id);
  }

  seenBy(id: string, message: string): Promise<queries.SeenBy> {
    return queries.findSeenBy(this.core.ask, id, message);
  }
}
