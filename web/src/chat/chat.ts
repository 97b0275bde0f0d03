// One signed-in person's chat: ties the session, the socket, GraphQL and the state together.
import type { TidingsEvent } from '../protocol/frames.ts';
import { Refusal, Socket } from '../protocol/socket.ts';
import { Problem } from '../shared/api.ts';
import { uuidv7 } from '../shared/ids.ts';
import { Session, SignedOut, type Login } from '../shared/session.ts';
import { CursorKeeper, deviceName, storedCursors } from './cursors.ts';
import * as queries from './queries.ts';
import * as store from './store.ts';

/** Events in one page of history, and how many messages there should be before no more pages are asked for. */
const PAGE_EVENTS = 100;
const PAGE_MESSAGES = 30;
const NEWEST_MAX = 200;
/** Pages of the list of conversations that are loaded, of 40 each. */
const LIST_PAGES_MAX = 25;
/** The largest text, in bytes of UTF-8. */
export const TEXT_BYTES_MAX = 8192;
/** How often the others are told that somebody still types. */
const TYPING_EVERY_MS = 3_000;
const TRY_AGAIN_MS = 1_000;
const TRIES_MAX = 8;
const PEOPLE_AT_ONCE = 40;
/** Reads are gathered for so long; those that failed are tried again after the other. */
const READ_MS = 500;
const READ_AGAIN_MS = 5_000;
/** Refusals after which the same may be taken later. */
const PASSES = (error: unknown): boolean =>
  !(error instanceof Refusal) ||
  ['timeout', 'unavailable', 'overloaded', 'rate_limited'].includes(error.code);

const messages = (events: readonly TidingsEvent[]): number =>
  events.filter(event => event.kind === 'message.sent').length;

export class Chat {
  state: store.State;
  private readonly session: Session;
  private readonly socket: Socket;
  private readonly ask: queries.Ask;
  private readonly cursors: CursorKeeper;
  private readonly listeners = new Set<() => void>();
  private readonly completing = new Set<string>();
  private readonly askedPeople = new Set<string>();
  private readonly sweep: ReturnType<typeof setInterval>;
  /** What was written and not sent, by conversation. */
  private readonly drafts = new Map<string, string>();
  /** Up to where conversations were read and the server does not know yet. */
  private readonly reads = new Map<string, number>();
  private reading: ReturnType<typeof setTimeout> | undefined;
  private typing: { conversation: string; at: number } | undefined;
  private atEnd = true;
  private closed = false;

  constructor(
    login: Login,
    private readonly onEnd: (reason: string) => void,
  ) {
    this.state = store.initialState(login.user);
    this.cursors = new CursorKeeper(login.user);
    this.session = new Session(login, {
      renewed: token => this.socket.renew(token),
      signedOut: () => this.end('You have been signed out.'),
    });
    const token = async (refused: boolean): Promise<string> =>
      refused ? (await this.session.renew()).token : this.session.token();
    this.ask = queries.asker(token);
    this.socket = new Socket({
      url: `${location.origin.replace(/^http/, 'ws')}/ws`,
      device: deviceName(uuidv7),
      token,
      fatal: error => error instanceof SignedOut,
      listener: {
        link: link => this.update(state => ({ ...state, link })),
        events: events => this.onEvents(events),
        gap: (conversation, _, to) => {
          this.update(state => store.withGap(state, conversation, to));
          this.cursors.move(conversation, to);
        },
        rewound: (conversation, head) => {
          this.update(state => store.withRewound(state, conversation, head));
          this.cursors.rewind(conversation, head);
          if (this.state.link.kind === 'online') this.lookAfter();
        },
        ephemeral: frame => this.update(state => store.withEphemeral(state, frame, Date.now())),
        synced: () => this.lookAfter(),
      },
    });
    this.sweep = setInterval(() => this.update(state => store.withoutStaleTyping(state, Date.now())), 1_000);
    addEventListener('online', this.onOnline);
    addEventListener('pagehide', this.onPageHide);
    addEventListener('beforeunload', this.onBeforeUnload);
    addEventListener('focus', this.onAttention);
    document.addEventListener('visibilitychange', this.onAttention);
    void this.start();
  }

  /** Calls back after each change of the state. Answers how to stop that. */
  subscribe(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  select(id: string | null): void {
    if (id === this.state.selected) return;
    this.stopTyping();
    this.atEnd = true;
    this.update(state => store.trimmed({ ...state, selected: id }, true));
    this.lookAfter();
  }

  /** What was begun to be written in a conversation. */
  draft(id: string): string {
    return this.drafts.get(id) ?? '';
  }

  keepDraft(id: string, text: string): void {
    if (text === '') this.drafts.delete(id);
    else this.drafts.set(id, text);
  }

  send(id: string, text: string): void {
    this.stopTyping();
    // What one has just written oneself is always shown.
    this.toNewest(id);
    this.post(id, { id: uuidv7(), text, at: new Date().toISOString(), state: 'sending' });
  }

  /** Sends a message that failed again. Its id stays the same, so that it cannot appear twice. */
  retry(id: string, message: store.Outgoing): void {
    this.post(id, { id: message.id, text: message.text, at: message.at, state: 'sending' });
  }

  /** Tells the others that somebody types. */
  typed(conversation: string): void {
    const now = Date.now();
    if (this.typing?.conversation === conversation && now - this.typing.at < TYPING_EVERY_MS) return;
    this.typing = { conversation, at: now };
    this.socket.typing(conversation, true);
  }

  stopTyping(): void {
    if (this.typing) this.socket.typing(this.typing.conversation, false);
    this.typing = undefined;
  }

  /** Says whether the newest message is in view: only then it counts as read. */
  viewing(atEnd: boolean): void {
    this.atEnd = atEnd;
    if (atEnd) this.markRead();
  }

  /** Opens the conversation with somebody. Fails with a sentence for people. */
  async openDirect(username: string): Promise<string> {
    const person = await this.person(username);
    if (person.id === this.state.me) throw new Error('That is you. Who else is there to talk to?');
    return this.opened(await this.socket.command({ type: 'direct.open', user: person.id }));
  }

  /** Makes a group. Fails with a sentence for people. */
  async createGroup(name: string, usernames: readonly string[]): Promise<string> {
    const people = await Promise.all(usernames.map(username => this.person(username)));
    const members = [...new Set(people.map(({ id }) => id))].filter(id => id !== this.state.me);
    return this.opened(await this.socket.command({ type: 'group.create', name, members }));
  }

  /** Loads a page of what is older than what is shown. */
  async loadOlder(id: string): Promise<void> {
    const before = this.state.conversations.get(id);
    if (!before || ['loading', 'closed'].includes(before.history) || before.log?.from === 1) return;
    this.update(state => store.withHistory(store.withoutNewest(state, id), id, 'loading'));
    try {
      if (before.log) await this.fetchOlder(id);
      else await this.fetchNewest(id, before.lastSeq);
      this.update(state => store.withHistory(state, id, 'idle'));
    } catch (error) {
      const closed = error instanceof Refusal && error.code === 'not_a_member';
      this.update(state => store.withHistory(state, id, closed ? 'closed' : 'failed'));
    }
    // Somebody has gone back to the newest meanwhile.
    if (before.log && !this.state.conversations.get(id)?.log) this.lookAfter();
  }

  /** Loads a page of what follows on what is shown, where the newest was let go of. */
  async loadNewer(id: string): Promise<void> {
    const before = this.state.conversations.get(id);
    if (!before?.log?.cut || ['loading', 'closed'].includes(before.history)) return;
    this.update(state => store.withHistory(store.withoutOldest(state, id), id, 'loading'));
    try {
      const { to } = before.log;
      const events = await this.fetchAll(id, to + 1, Math.min(to + PAGE_EVENTS, before.lastSeq));
      this.update(state => store.withHistory(store.withNewer(state, id, events), id, 'idle'));
    } catch (error) {
      const closed = error instanceof Refusal && error.code === 'not_a_member';
      this.update(state => store.withHistory(state, id, closed ? 'closed' : 'failed'));
    }
    // Somebody has gone back to the newest meanwhile.
    if (before.log && !this.state.conversations.get(id)?.log) this.lookAfter();
  }

  /** Goes back to the newest, where it was let go of. */
  toNewest(id: string): void {
    const shown = this.state.conversations.get(id);
    if (!shown?.log?.cut) return;
    this.atEnd = true;
    this.update(state => store.withoutLog(state, id));
    this.lookAfter();
  }

  async signOut(): Promise<void> {
    await this.session.signOut();
  }

  /** Ends everything that this chat has begun. */
  close(): void {
    if (this.closed) return;
    this.closed = true;
    clearInterval(this.sweep);
    removeEventListener('online', this.onOnline);
    removeEventListener('pagehide', this.onPageHide);
    removeEventListener('beforeunload', this.onBeforeUnload);
    clearTimeout(this.reading);
    removeEventListener('focus', this.onAttention);
    document.removeEventListener('visibilitychange', this.onAttention);
    this.cursors.save();
    this.session.close();
    this.socket.stop();
  }

  private update(next: (state: store.State) => store.State): void {
    const before = this.state;
    this.state = next(before);
    if (this.state !== before) for (const listener of this.listeners) listener();
  }

  private end(reason: string): void {
    this.close();
    this.onEnd(reason);
  }

  /** Loads the list of conversations, connects from the stored cursors, and loads the rest of the list. */
  private async start(): Promise<void> {
    const cursors = storedCursors(this.state.me);
    let after: string | null = null;
    for (let page = 0, tries = 0; page < LIST_PAGES_MAX && !this.closed;) {
      try {
        const found = await queries.listConversations(this.ask, after);
        this.update(state => store.withSummaries(store.withPeople(state, found.people), found.summaries));
        for (const { id, lastSeq } of found.summaries) {
          this.socket.follow(id, Math.min(cursors[id] ?? lastSeq, lastSeq));
        }
        page += 1;
        after = found.next;
        if (after === null) break;
      } catch (error) {
        if (error instanceof SignedOut || this.closed) return;
        tries += 1;
        await new Promise(resolve => setTimeout(resolve, TRY_AGAIN_MS * Math.min(tries, TRIES_MAX)));
      }
    }
    if (this.closed) return;
    this.update(state => ({ ...state, loaded: true }));
    this.socket.start();
    this.lookAfter();
  }

  private onEvents(events: TidingsEvent[]): void {
    this.update(state => store.trimmed(store.withEvents(state, events), this.atEnd));
    for (const { conversation, seq } of events) this.cursors.move(conversation, seq);
    const last = events.findLast(event => event.kind === 'message.sent' && event.actor !== this.state.me);
    if (last?.kind === 'message.sent' && this.state.link.kind === 'online') {
      const text = `${store.personName(this.state, last.actor)}: ${store.contentText(last.data.content)}`;
      this.update(state => store.withAnnouncement(state, text));
    }
    // During the catch-up, what is missing may still come.
    if (this.state.link.kind === 'online') this.lookAfter();
  }

  /** Whatever the present state calls for: history, names, missing summaries, read marks. */
  private lookAfter(): void {
    const { selected, conversations } = this.state;
    const shown = selected === null ? undefined : conversations.get(selected);
    if (shown && (!shown.log || shown.log.entries.length < PAGE_MESSAGES) && shown.history === 'idle') {
      void this.loadOlder(shown.id).then(() => this.meetStrangers());
    }
    for (const { id, partial } of conversations.values()) if (partial) void this.complete(id);
    void this.meetStrangers();
    this.markRead();
  }

  private markRead(): void {
    const { selected, conversations } = this.state;
    const shown = selected === null ? undefined : conversations.get(selected);
    if (!shown || shown.unread === 0 || !this.atEnd || !document.hasFocus() || document.hidden) return;
    const { id, lastSeq: seq } = shown;
    this.update(state => store.withRead(state, id, seq));
    this.reads.set(id, seq);
    this.tellReads(READ_MS);
  }

  /** Tells the server what was read, all of a while at once. */
  private tellReads(after: number): void {
    this.reading ??= setTimeout(() => {
      this.reading = undefined;
      for (const [conversation, seq] of this.reads) {
        this.reads.delete(conversation);
        this.socket.command({ type: 'read', conversation, seq }).catch((error: unknown) => {
          if (this.closed || !PASSES(error)) return;
          // Else other devices would show it as unread for ever.
          this.reads.set(conversation, Math.max(seq, this.reads.get(conversation) ?? 0));
          this.tellReads(READ_AGAIN_MS);
        });
      }
    }, after);
  }

  private post(id: string, message: store.Outgoing): void {
    this.update(state => store.withOutgoing(state, id, message));
    const content = { kind: 'text', text: message.text } as const;
    this.socket.command({ type: 'message.send', conversation: id, content }, message.id).then(
      ({ seq }) => this.update(state => store.withSendState(state, id, message.id, { state: 'sent', seq })),
      (error: Refusal) => {
        const reason = error.message;
        this.update(state => store.withSendState(state, id, message.id, { state: 'failed', reason }));
      },
    );
  }

  private async person(username: string): Promise<store.Person> {
    const person = await queries.findPerson(this.ask, username);
    if (!person) throw new Error(`Nobody here is called “${username}”.`);
    this.update(state => store.withPeople(state, [person]));
    return person;
  }

  private async opened(ack: { conversation: string; position: string }): Promise<string> {
    const { conversation } = ack;
    // The event that opens it tells as much, and sooner, where this page has not known the conversation before.
    if (!this.state.conversations.has(conversation)) {
      const found = await queries.findConversation(this.ask, conversation, ack.position);
      this.update(state => store.withSummaries(store.withPeople(state, found.people), found.summaries));
    }
    this.select(conversation);
    return conversation;
  }

  /** Fetches older events until there are enough messages, where `gained` have come already. */
  private async fetchOlder(id: string, gained = 0): Promise<void> {
    while (gained < PAGE_MESSAGES) {
      const log = this.state.conversations.get(id)?.log;
      if (!log || log.from === 1) return;
      const from = Math.max(1, log.from - PAGE_EVENTS);
      const events = await this.fetchAll(id, from, log.from - 1);
      this.update(state => store.withOlder(state, id, from, events));
      gained += messages(events);
    }
  }

  private async fetchNewest(id: string, lastSeq: number): Promise<void> {
    const from = Math.max(1, lastSeq - PAGE_EVENTS + 1);
    const { events } = await this.socket.fetch(id, from, NEWEST_MAX);
    this.update(state => store.withNewest(state, id, from, events));
    const last = events.at(-1);
    if (last) this.socket.follow(id, last.seq);
    await this.fetchOlder(id, messages(events));
  }

  /** Fetches a range; one answer may hold less than was asked for. */
  private async fetchAll(id: string, from: number, to: number): Promise<TidingsEvent[]> {
    const events: TidingsEvent[] = [];
    for (let next = from; next <= to;) {
      const found = await this.socket.fetch(id, next, to - next + 1);
      events.push(...found.events);
      const last = found.events.at(-1);
      if (!last) throw new Problem('not_found', 'The history has a hole.');
      next = last.seq + 1;
    }
    return events;
  }

  /** Asks for the summary of a conversation until it is as new as what events told. */
  private async complete(id: string): Promise<void> {
    if (this.completing.has(id)) return;
    this.completing.add(id);
    for (let tries = 0; tries < TRIES_MAX && !this.closed; tries++) {
      const found = await queries.findConversation(this.ask, id).catch(() => null);
      if (found && found.summaries.length === 0 && tries === TRIES_MAX - 1) {
        // The read models are not that far behind: it is not shown to this person.
        this.update(state => store.withoutSummary(state, id));
      } else if (found) {
        this.update(state => store.withSummaries(store.withPeople(state, found.people), found.summaries));
        if (!this.state.conversations.get(id)?.partial) break;
      }
      await new Promise(resolve => setTimeout(resolve, TRY_AGAIN_MS));
    }
    this.completing.delete(id);
  }

  private async meetStrangers(): Promise<void> {
    const ids = store.strangers(this.state).filter(id => !this.askedPeople.has(id));
    for (let first = 0; first < ids.length; first += PEOPLE_AT_ONCE) {
      const some = ids.slice(first, first + PEOPLE_AT_ONCE);
      for (const id of some) this.askedPeople.add(id);
      try {
        const people = await queries.findPeople(this.ask, some);
        this.update(state => store.withPeople(state, people));
      } catch {
        // They are asked for again when something else happens.
        for (const id of some) this.askedPeople.delete(id);
      }
    }
  }

  private readonly onOnline = (): void => this.socket.hurry();
  /** Asks before what was written is lost with the page. */
  private readonly onBeforeUnload = (event: BeforeUnloadEvent): void => {
    if (store.hasUnsent(this.state)) event.preventDefault();
  };
  private readonly onPageHide = (): void => this.cursors.save();
  private readonly onAttention = (): void => {
    if (document.hidden) return;
    this.socket.hurry();
    this.markRead();
  };
}
