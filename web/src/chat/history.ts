// What is older than what came live, and the way back to the newest.
import type { TidingsEvent } from '../protocol/frames.ts';
import { Refusal } from '../protocol/socket.ts';
import { Problem } from '../shared/api.ts';
import type { Core } from './core.ts';
import { isInMain } from './fold.ts';
import type { Later } from './log.ts';
import * as queries from './queries.ts';
import * as store from './store.ts';

/** Events in one page of history, and how many messages there should be before no more pages are asked for. */
const PAGE_EVENTS = 100;
export const PAGE_MESSAGES = 30;
const NEWEST_MAX = 200;

/** Those that the main timeline shows. */
const messages = (events: readonly TidingsEvent[]): number =>
  events.filter(event => event.kind === 'message.sent' && isInMain(event.data)).length;

export class History {
  /** By conversation, the loading that was begun last: what becomes of it is said. */
  private readonly turns = new Map<string, number>();
  /** By conversation, where it begins for whoever sees no more of it, as far as that was met. */
  private readonly beginnings = new Map<string, number>();

  constructor(private readonly core: Core) {}

  /** Loads a page of what is older than what is shown. */
  async loadOlder(id: string): Promise<void> {
    const { core } = this;
    const before = core.state.conversations.get(id);
    if (!before || ['loading', 'closed'].includes(before.history)) return;
    if (before.log && before.log.from <= this.firstSeq(id)) return;
    core.update(state => store.withHistory(store.withoutNewest(state, id), id, 'loading'));
    await this.load(id, async () => {
      if (before.log) await this.fetchOlder(id);
      else await this.fetchNewest(id, before.lastSeq);
    });
    // Somebody has gone back to the newest meanwhile.
    if (before.log && !core.state.conversations.get(id)?.log) core.lookAfter();
  }

  /** Loads a page of what follows on what is shown, where the newest was let go of. */
  async loadNewer(id: string): Promise<void> {
    const { core } = this;
    const before = core.state.conversations.get(id);
    if (!before?.log?.cut || ['loading', 'closed'].includes(before.history)) return;
    const { to } = before.log;
    core.update(state => store.withHistory(store.withoutOldest(state, id), id, 'loading'));
    await this.load(id, async () => {
      const events = await this.fetchAll(id, to + 1, Math.min(to + PAGE_EVENTS, before.lastSeq));
      const later = await this.later(id, before.log?.loose, events);
      core.update(state => store.withNewer(state, id, events, later));
    });
    // Somebody has gone back to the newest meanwhile.
    if (!core.state.conversations.get(id)?.log) core.lookAfter();
  }

  /** Loads what lies around a place, where that is not loaded. */
  async loadAround(id: string, seq: number): Promise<void> {
    const { core } = this;
    const before = core.state.conversations.get(id);
    if (!before || before.history === 'closed' || store.covers(before.log, seq)) return;
    core.update(state => store.withHistory(state, id, 'loading'));
    await this.load(id, async () => {
      const from = Math.max(1, seq - PAGE_EVENTS / 2);
      const to = Math.min(seq + PAGE_EVENTS / 2, before.lastSeq);
      const events = await this.fetchAll(id, from, to);
      const later = await this.later(id, true, events);
      core.update(state => store.withWindow(state, id, from, events, later));
    });
  }

  /** Loads what could not be loaded, with the connection that has come back. */
  reconnected(): void {
    for (const { id, history, target } of this.core.state.conversations.values()) {
      if (history !== 'failed') continue;
      this.core.update(state => store.withHistory(state, id, 'idle'));
      if (target && id === this.core.state.selected) void this.loadAround(id, target.seq);
    }
  }

  /** Goes back to the newest, where it was let go of. Answers whether it was. */
  toNewest(id: string): boolean {
    if (!this.core.state.conversations.get(id)?.log?.cut) return false;
    this.core.update(state => store.withoutLog(state, id));
    return true;
  }

  /** Loads something, and says what came of it. */
  private async load(id: string, loading: () => Promise<void>): Promise<void> {
    const turn = (this.turns.get(id) ?? 0) + 1;
    this.turns.set(id, turn);
    let outcome: store.Conversation['history'] = 'idle';
    try {
      await loading();
    } catch (error) {
      outcome = error instanceof Refusal && error.code === 'not_a_member' ? 'closed' : 'failed';
    }
    if (this.turns.get(id) === turn) this.core.update(state => store.withHistory(state, id, outcome));
  }

  /** Fetches older events until there are enough messages, where `gained` have come already. */
  private async fetchOlder(id: string, gained = 0): Promise<void> {
    while (gained < PAGE_MESSAGES) {
      const log = this.core.state.conversations.get(id)?.log;
      const first = this.firstSeq(id);
      if (!log || log.from <= first) return;
      const from = Math.max(first, log.from - PAGE_EVENTS);
      const events = await this.fetchAll(id, from, log.from - 1);
      const later = await this.later(id, log.loose, events);
      this.core.update(state => store.withOlder(state, id, from, events, later));
      gained += messages(events);
    }
  }

  private async fetchNewest(id: string, lastSeq: number): Promise<void> {
    const from = Math.max(1, lastSeq - PAGE_EVENTS + 1);
    const { events } = await this.core.socket.fetch(id, from, NEWEST_MAX);
    this.core.update(state => store.withNewest(state, id, from, events));
    const last = events.at(-1);
    if (last) this.core.socket.follow(id, last.seq);
    // Where events came live meanwhile, the window begins with them.
    const isShown = this.core.state.conversations.get(id)?.log?.from === from;
    await this.fetchOlder(id, isShown ? messages(events) : 0);
  }

  /** What became of the messages among some events, where the events that tell of it are not loaded. */
  private async later(id: string, loose = false, events: readonly TidingsEvent[]): Promise<Later> {
    return loose ? queries.findLater(this.core.ask, this.core.state.me, id, events) : new Map();
  }

  /** Fetches a range; one answer may hold less than was asked for. */
  private async fetchAll(id: string, from: number, to: number): Promise<TidingsEvent[]> {
    const events: TidingsEvent[] = [];
    for (let next = from; next <= to;) {
      const found = await this.core.socket.fetch(id, next, to - next + 1);
      // What newcomers do not see is left out, and the answer begins behind it.
      events.push(...found.events.filter(event => event.seq <= to));
      const last = found.events.at(-1);
      const on = last ? last.seq + 1 : found.next;
      if (on === undefined || on <= next) throw new Problem('not_found', 'The history has a hole.');
      if (last && found.events[0]!.seq > to) this.beginnings.set(id, found.events[0]!.seq);
      next = on;
    }
    return events;
  }

  /** Where the conversation begins for this person. */
  private firstSeq(id: string): number {
    return Math.max(store.firstSeq(this.core.state, id), this.beginnings.get(id) ?? 1);
  }
}
