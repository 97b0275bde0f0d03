// The list of conversations: loaded at the beginning, and completed where events tell of what it does not have.
import type { Notice, Welcome } from '../protocol/frames.ts';
import { SignedOut } from '../shared/session.ts';
import { again, LAGS_MS, later, PATIENCE_MS, pause } from './again.ts';
import type { Core } from './core.ts';
import * as queries from './queries.ts';
import * as store from './store.ts';

/** Pages of the list that are loaded, of 40 each. */
const LIST_PAGES_MAX = 25;
/** The list was asked for no longer than this before the first welcome; what is older, it includes. */
const LISTED_MS = 60_000;
const TRY_AGAIN_MS = 1_000;
/** Who has asked for so long asks seldom. */
const SOON_MS = 8_000;
const SELDOM_MS = 15_000;

export class Summaries {
  /** Those that will be asked for again, and how often they were. */
  private readonly renewing = new Map<string, { timer: ReturnType<typeof setTimeout>; step: number }>();
  private readonly completing = new Set<string>();

  /** What was noticed before this is known. */
  private knownUntil: number | undefined;
  /** How many connections there were. */
  private turn = 0;

  constructor(private readonly core: Core) {}

  welcomed({ time }: Welcome): void {
    this.knownUntil ??= Date.parse(time) - LISTED_MS;
  }

  /** Whether the list may not include what a notice tells of. */
  lack({ at }: Notice): boolean {
    return this.core.state.link.kind === 'online' || Date.parse(at) > (this.knownUntil ?? 0);
  }

  /** Loads the list. Each conversation is followed from its stored cursor on. False: nobody is signed in any more. */
  async load(cursors: Record<string, number>): Promise<boolean> {
    const { core } = this;
    let after: string | null = null;
    for (let page = 0, tries = 0; page < LIST_PAGES_MAX && !core.closed;) {
      try {
        const found = await queries.listConversations(core.ask, core.state.me, after);
        this.take(found);
        for (const { id, lastSeq } of found.summaries) {
          core.socket.follow(id, Math.min(cursors[id] ?? lastSeq, lastSeq));
        }
        page += 1;
        after = found.next;
        if (after === null) break;
      } catch (error) {
        if (error instanceof SignedOut || core.closed) return false;
        tries += 1;
        await pause(Math.min(TRY_AGAIN_MS * tries, SOON_MS));
      }
    }
    return !core.closed;
  }

  /**
   * Behind each connection: takes in what was read elsewhere, of which nothing tells later. Some times more, since read models
   * may lag, and no answer says whether they did. The list that the first connection began with is new.
   */
  async synced(): Promise<void> {
    const { core } = this;
    const turn = ++this.turn;
    const isOver = (): boolean => core.closed || turn !== this.turn;
    const look = async (): Promise<null> => {
      const found = await queries.listConversations(core.ask, core.state.me, null).catch(() => null);
      if (found && !isOver()) this.take(found);
      return null;
    };
    await (turn === 1 ? later(look, isOver) : again(look, isOver));
  }

  /** One that a command has just opened; `position` is that of its ack. */
  async opened(id: string, position: string): Promise<void> {
    // The event that opens it tells as much, and sooner, where this page has not known the conversation before.
    const found = await this.answered(id, position, () => this.core.state.conversations.has(id));
    if (found) this.take(found);
  }

  /** Asks for one again, which the read models know by a position, until they have answered. */
  async renew(id: string, position?: string): Promise<void> {
    const { core } = this;
    const found = await this.answered(id, position);
    if (found) {
      this.take(found);
      const known = core.state.conversations.get(id)?.lastSeq ?? 0;
      // What was heard meanwhile is newer than the answer, which was not taken.
      if (found.summaries.every(({ lastSeq }) => lastSeq >= known)) return;
    }
    core.update(state => store.withPartial(state, id));
    this.complete();
  }

  /** Asks for one until the read models have answered, unless nobody needs that any more. */
  private answered(
    id: string,
    position: string | undefined,
    isOver = (): boolean => false,
  ): Promise<queries.Found | null> {
    const { core } = this;
    const find = () => queries.findConversation(core.ask, core.state.me, id, position).catch(() => null);
    return again(find, () => core.closed || isOver());
  }

  /** Asks for one again after a while, and some times more: no answer says whether the read models know already. */
  renewSoon(id: string): void {
    const waiting = this.renewing.get(id);
    if (waiting?.step === 0) return;
    clearTimeout(waiting?.timer);
    this.renewAfter(id, 0);
  }

  stop(): void {
    for (const { timer } of this.renewing.values()) clearTimeout(timer);
  }

  private renewAfter(id: string, step: number): void {
    const lag = LAGS_MS[step];
    if (lag === undefined) return void this.renewing.delete(id);
    const timer = setTimeout(() => {
      this.core.update(state => store.withPartial(state, id));
      this.complete();
      this.renewAfter(id, step + 1);
    }, lag);
    this.renewing.set(id, { timer, step });
  }

  /** Asks for the summaries of all of which something is missing, each until it is as new as what events told. */
  complete(): void {
    for (const { id, partial } of this.core.state.conversations.values()) {
      if (partial) void this.completeOne(id);
    }
  }

  private async completeOne(id: string): Promise<void> {
    const { core } = this;
    if (this.completing.has(id)) return;
    this.completing.add(id);
    let waited = 0;
    while (!core.closed) {
      const found = await queries.findConversation(core.ask, core.state.me, id).catch(() => null);
      if (found && found.summaries.length === 0 && waited >= PATIENCE_MS) {
        // The read models are not that far behind: it is not shown to this person.
        core.update(state => store.withoutSummary(state, id));
      } else if (found) {
        this.take(found);
      }
      if (!core.state.conversations.get(id)?.partial) break;
      const wait = waited < SOON_MS ? TRY_AGAIN_MS : SELDOM_MS;
      await pause(wait);
      waited += wait;
    }
    this.completing.delete(id);
  }

  private take({ summaries, people }: queries.Found): void {
    const { core } = this;
    core.update(state => store.withSummaries(store.withPeople(state, people), summaries));
    // Behind a gap only this tells that something is unread: whoever looks at it has read it.
    const { link, selected } = core.state;
    if (link.kind === 'online' && summaries.some(({ id, unread }) => id === selected && unread > 0)) {
      core.lookAfter();
    }
  }
}
