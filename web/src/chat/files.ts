// What is known of the files that messages show, and where they can be fetched.
import { Lookup } from './lookup.ts';
import type { Attachment } from './nouns/attachment.ts';
import * as queries from './queries.ts';

/** Addresses are renewed when they hold for less than this. */
const MARGIN_MS = 5 * 60_000;
const TIMER_MAX_MS = 24 * 60 * 60_000;

export class Files {
  private readonly lookup: Lookup<Attachment>;

  /** `now` is what time it is by the server's clock. */
  constructor(
    ask: queries.Ask,
    private readonly now: () => number,
  ) {
    this.lookup = new Lookup(keys => queries.findAttachments(ask, keys.map(queries.placeOf)));
  }

  get(conversation: string, message: string): Attachment | null | undefined {
    return this.lookup.get(queries.placeKey(conversation, message));
  }

  /** Calls back when something else is known of a message's file, and keeps its addresses good. Answers how to stop that. */
  watch(conversation: string, message: string, listener: () => void): () => void {
    const which = queries.placeKey(conversation, message);
    let timer: ReturnType<typeof setTimeout> | undefined;
    const renew = (): void => {
      clearTimeout(timer);
      const file = this.lookup.get(which);
      if (!file) return;
      const left = Date.parse(file.expiresAt) - this.now() - MARGIN_MS;
      // However wrong the clock is, it is not asked for all the time.
      timer = setTimeout(() => this.lookup.again(which), Math.min(Math.max(left, MARGIN_MS), TIMER_MAX_MS));
    };
    const stop = this.lookup.watch(which, () => {
      renew();
      listener();
    });
    const known = this.lookup.get(which);
    if (known && Date.parse(known.expiresAt) - this.now() < MARGIN_MS) this.lookup.again(which);
    renew();
    return () => {
      clearTimeout(timer);
      stop();
    };
  }

  stop(): void {
    this.lookup.stop();
  }
}
