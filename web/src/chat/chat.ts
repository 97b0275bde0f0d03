// One signed-in person's chat: ties the session, the socket, GraphQL and the state together.
import type { Ack, TidingsEvent } from '../protocol/frames.ts';
import { Socket } from '../protocol/socket.ts';
import { uuidv7 } from '../shared/ids.ts';
import { Session, SignedOut, type Login } from '../shared/session.ts';
import { again } from './again.ts';
import { Changes } from './changes.ts';
import { Clock } from './clock.ts';
import { Contacts } from './contacts.ts';
import type { Core } from './core.ts';
import { CursorKeeper, deviceName, storedCursors } from './cursors.ts';
import { Drafts } from './drafts.ts';
import { Files } from './files.ts';
import { isInMain } from './fold.ts';
import { Governing } from './governing.ts';
import { Hiding } from './hiding.ts';
import { History, PAGE_MESSAGES } from './history.ts';
import { Invitations } from './invitations.ts';
import { Joining } from './joining.ts';
import { Lookup } from './lookup.ts';
import { OwnMarks } from './marks.ts';
import { Members } from './members.ts';
import type { Picked } from './nouns/attachment.ts';
import { isMuted } from './nouns/mark.ts';
import { mayEdit, messageText } from './nouns/message.ts';
import type { EventOf } from './nouns/noun.ts';
import { withholdings } from './nouns/withholding.ts';
import { Notices } from './notices.ts';
import { Outbox, type Addressed } from './outbox.ts';
import { People } from './people.ts';
import { Presence, storedStatus } from './presence.ts';
import { Profiles } from './profiles.ts';
import * as queries from './queries.ts';
import { Reads } from './reads.ts';
import { Sessions } from './sessions.ts';
import * as store from './store.ts';
import { Threads } from './threads.ts';
import { Receipts } from './receipts.ts';
import { Summaries } from './summaries.ts';
import { Typing } from './typing.ts';

export class Chat implements Core {
  state: store.State;
  closed = false;
  readonly socket: Socket;
  readonly ask: queries.Ask;
  private readonly session: Session;
  readonly sessions: Sessions;
  private readonly cursors: CursorKeeper;
  private readonly clock = new Clock();
  readonly now = this.clock.now;
  readonly changes = new Changes(this);
  readonly drafts: Drafts;
  readonly members = new Members(this, username => this.people.find(username));
  readonly marks: OwnMarks;
  readonly contacts = new Contacts(this, username => this.people.find(username));
  readonly governing = new Governing(this, username => this.people.find(username));
  readonly hiding: Hiding;
  readonly threads: Threads;
  readonly receipts = new Receipts(this);
  readonly presence = new Presence(this);
  readonly notices = new Notices(this, () => this.session.id);
  readonly profiles: Profiles;
  readonly invitations = new Invitations(this, ack => this.opened(ack));
  readonly joining = new Joining(this, ack => this.opened(ack));
  readonly files: Files;
  /** What messages say that others answer, by conversation and id. */
  readonly quotes: Lookup<queries.Quote>;
  readonly outbox: Outbox;
  private readonly history = new History(this);
  private readonly summaries = new Summaries(this);
  private readonly people = new People(this);
  private readonly reads = new Reads(this, ack => this.read(ack));
  private readonly typing: Typing;
  private readonly listeners = new Set<() => void>();
  private readonly sweep: ReturnType<typeof setInterval>;
  private atEnd = true;
  /** The conversation that this person has been looking at the end of. */
  private watched: string | null = null;

  constructor(
    login: Login,
    private readonly onEnd: (reason: string) => void,
  ) {
    this.state = { ...store.initialState(login.user), status: storedStatus(login.user) };
    this.notices.start();
    this.cursors = new CursorKeeper(login.user);
    this.drafts = new Drafts(login.user);
    this.marks = new OwnMarks(this, this.cursors, this.reads, this.summaries);
    this.hiding = new Hiding(this, this.summaries);
    this.threads = new Threads(this, this.reads, this.summaries);
    this.session = new Session(login, {
      renewed: token => this.socket.renew(token),
      signedOut: (reason = 'You have been signed out.') => {
        this.drafts.forget();
        this.notices.forget();
        this.end(reason);
      },
    });
    const token = async (refused: boolean): Promise<string> =>
      refused ? (await this.session.renew()).token : this.session.token();
    this.sessions = new Sessions(this.session);
    this.ask = queries.asker(token);
    this.files = new Files(this.ask, this.now);
    this.quotes = new Lookup(async keys => {
      const { quotes, people } = await queries.findQuotes(this.ask, keys.map(queries.placeOf));
      this.update(state => store.withPeople(state, people));
      return quotes;
    });
    this.outbox = new Outbox(this, token);
    this.profiles = new Profiles(this, token);
    this.socket = new Socket({
      url: `${location.origin.replace(/^http/, 'ws')}/ws`,
      device: deviceName(uuidv7),
      token,
      fatal: error => error instanceof SignedOut,
      beside: () => this.presence.greeting(),
      listener: {
        link: link => this.update(state => ({ ...state, link })),
        events: events => this.onEvents(events),
        gap: (conversation, _, to) => {
          this.update(state => store.withGap(state, conversation, to));
          this.cursors.move(conversation, to);
          this.threads.missed(conversation);
          this.governing.missed(conversation);
        },
        rewound: (conversation, head) => {
          this.update(state => store.withRewound(state, conversation, head));
          this.cursors.rewind(conversation, head);
          this.threads.missed(conversation);
          this.governing.missed(conversation);
          if (this.state.link.kind === 'online') this.lookAfter();
        },
        notice: notice => {
          this.marks.noticed(notice);
          this.hiding.noticed(notice);
          this.threads.noticed(notice);
          this.invitations.noticed(notice);
          this.contacts.noticed(notice);
          this.profiles.noticed(notice);
          this.notices.noticed(notice);
          void this.people.meetStrangers();
        },
        ephemeral: frame => this.update(state => store.withEphemeral(state, frame, Date.now())),
        refused: (id, error) => this.presence.refused(id, error),
        welcomed: welcome => {
          this.clock.heard(welcome.time);
          this.summaries.welcomed(welcome);
          this.receipts.reconnected();
          this.presence.reconnected();
          this.update(state => store.withLimits(state, welcome));
        },
        synced: () => {
          void this.summaries.synced();
          this.history.reconnected();
          this.threads.reconnected();
          void this.invitations.reconnected();
          void this.contacts.reconnected();
          void this.notices.reconnected();
          this.lookAfter();
        },
      },
    });
    this.typing = new Typing(this.socket);
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

  update(next: (state: store.State) => store.State): void {
    const before = this.state;
    this.state = next(before);
    if (this.state !== before) for (const listener of this.listeners) listener();
  }

  select(id: string | null): void {
    if (id === this.state.selected) return;
    this.turnTo(id);
    this.lookAfter();
  }

  private turnTo(id: string | null): void {
    this.stopTyping();
    this.atEnd = true;
    this.watched = null;
    this.update(state => store.trimmed({ ...state, selected: id, person: null }, true));
  }

  /** Shows somebody beside the conversation, or nobody any more. */
  showPerson(person: string | null): void {
    this.update(state => ({ ...state, person }));
  }

  send(id: string, text: string, files: readonly Picked[] = [], more: Addressed = {}): void {
    this.stopTyping();
    // What one has just written oneself is always shown.
    if (isInMain(more)) this.toNewest(id);
    this.outbox.send(id, text, files, more);
  }

  /** Begins to edit a message, or ceases to. */
  editing(id: string, message: string | null): void {
    this.update(state => store.withEditing(state, id, message));
  }

  /** Begins to edit the last message of this person's own, if that is shown and can be edited. */
  editLast(id: string): void {
    const { me, limits, conversations } = this.state;
    const conversation = conversations.get(id);
    const last = conversation?.log?.entries.findLast(
      entry => entry.kind === 'message' && entry.sender === me && entry.content !== null && isInMain(entry),
    );
    if (last?.kind !== 'message' || !conversation || conversation.log?.cut) return;
    if (mayEdit(last, conversation, this.state, limits, this.now())) this.editing(id, last.id);
  }

  /** What a message said before it was edited, the oldest first. */
  versions(id: string, message: string): Promise<queries.Version[]> {
    return queries.findVersions(this.ask, id, message);
  }

  /** Tells moderators what is wrong with a message. Fails with a sentence for people. */
  async report(conversation: string, message: string, reason: string, note: string): Promise<void> {
    const more = note === '' ? {} : { note };
    await this.socket.command({ type: 'report.send', conversation, message, reason, ...more });
  }

  /** The pinned messages of a conversation, the one that was pinned last first. */
  pins(id: string): Promise<queries.Pinned[]> {
    return queries.findPins(this.ask, id);
  }

  /** One page of the messages that are searched for. */
  async search(sought: queries.Sought, after: string | null): Promise<queries.Hits> {
    const found = await queries.search(this.ask, sought, after);
    this.update(state =>
      store.withPeople(
        state,
        found.hits.map(({ sender }) => sender),
      ),
    );
    return found;
  }

  /** Tells the others that somebody types. */
  typed(conversation: string): void {
    this.typing.begin(conversation);
  }

  stopTyping(): void {
    this.typing.stop();
  }

  /** Says whether the newest message is in view: only then it counts as read. */
  viewing(atEnd: boolean): void {
    this.atEnd = atEnd;
    this.markRead();
  }

  /** Opens the conversation with somebody. Fails with a sentence for people. */
  async openDirect(username: string): Promise<string> {
    const person = await this.people.find(username);
    if (person.id === this.state.me) throw new Error('That is you. Who else is there to talk to?');
    return this.openWith(person.id);
  }

  /** The same by their id. */
  async openWith(user: string): Promise<string> {
    return this.opened(await this.socket.command({ type: 'direct.open', user }));
  }

  /** Makes a group. Fails with a sentence for people. */
  async createGroup(name: string, usernames: readonly string[]): Promise<string> {
    const people = await Promise.all(usernames.map(username => this.people.find(username)));
    const members = [...new Set(people.map(({ id }) => id))].filter(id => id !== this.state.me);
    return this.opened(await this.socket.command({ type: 'group.create', name, members }));
  }

  /** Loads a page of what is older than what is shown. */
  loadOlder(id: string): Promise<void> {
    return this.history.loadOlder(id);
  }

  /** Loads a page of what follows on what is shown, where the newest was let go of. */
  loadNewer(id: string): Promise<void> {
    return this.history.loadNewer(id);
  }

  /** Shows a place in a conversation, with what lies around it. */
  goTo(id: string, seq: number): void {
    if (!this.state.conversations.has(id)) return;
    if (id !== this.state.selected) this.turnTo(id);
    // Until it is in view, nobody has seen what comes behind it.
    this.atEnd = false;
    this.update(state => store.withTarget(state, id, seq));
    void this.history.loadAround(id, seq).then(() => this.people.meetStrangers());
    this.lookAfter();
  }

  /** A place that somebody wanted to see is in view. */
  reached(id: string): void {
    this.update(state => store.withoutTarget(state, id));
  }

  /** Begins to answer a message, or ceases to. */
  answer(id: string, message: string | null): void {
    this.update(state => store.withAnswering(state, id, message));
  }

  /** Goes back to the newest, where it was let go of. */
  toNewest(id: string): void {
    if (!this.history.toNewest(id)) return;
    this.atEnd = true;
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
    removeEventListener('focus', this.onAttention);
    document.removeEventListener('visibilitychange', this.onAttention);
    this.reads.stop();
    this.outbox.stop();
    this.files.stop();
    this.quotes.stop();
    this.profiles.stop();
    this.notices.stop();
    this.summaries.stop();
    this.presence.stop();
    this.cursors.save();
    this.drafts.stop();
    this.session.close();
    this.socket.stop();
  }

  /** Whatever the present state calls for: history, names, missing summaries, read marks. */
  lookAfter(): void {
    const { selected, conversations } = this.state;
    const shown = selected === null ? undefined : conversations.get(selected);
    if (shown && (!shown.log || shown.log.entries.length < PAGE_MESSAGES) && shown.history === 'idle') {
      void this.loadOlder(shown.id).then(() => {
        void this.receipts.look();
        return this.people.meetStrangers();
      });
    } else void this.receipts.look();
    if (selected !== null) this.threads.look(selected);
    this.summaries.complete();
    void this.people.meetStrangers();
    this.presence.look();
    this.markRead();
  }

  private end(reason: string): void {
    this.close();
    this.onEnd(reason);
  }

  /** Loads the list of conversations, and connects from the stored cursors. */
  private async start(): Promise<void> {
    if (!(await this.summaries.load(storedCursors(this.state.me)))) return;
    this.update(state => ({ ...state, loaded: true }));
    const { self } = storedCursors(this.state.me);
    if (self !== undefined) this.socket.followSelf(self);
    this.socket.start();
    this.lookAfter();
  }

  private onEvents(events: TidingsEvent[]): void {
    this.notices.heard(events);
    this.update(state => store.trimmed(store.withEvents(state, events), this.atEnd));
    this.governing.heard(events);
    for (const { conversation, seq } of events) this.cursors.move(conversation, seq);
    const last = events.findLast(event => event.kind === 'message.sent' && event.actor !== this.state.me);
    if (last?.kind === 'message.sent' && this.state.link.kind === 'online' && this.concerns(last)) {
      const text = `${store.personName(this.state, last.actor)}: ${messageText(last.data)}`;
      this.update(state => store.withAnnouncement(state, text));
    }
    for (const event of events) {
      // Whether its thread is followed, it does not say.
      const inThread =
        event.kind === 'message.sent' && !isInMain(event.data) && event.actor !== this.state.me;
      if (inThread) this.summaries.renewSoon(event.conversation);
      if (event.kind === 'message.sent' && !isInMain(event.data)) this.threads.heard(event.conversation);
    }
    for (const event of withholdings(events)) {
      this.summaries.renewSoon(event.conversation);
      void this.showAgain(event);
    }
    // During the catch-up, what is missing may still come.
    if (this.state.link.kind === 'online') this.lookAfter();
  }

  /** Asks again for what was answered by read models that did not know yet what is withheld now, or shown again: where it is quoted, and in a thread. */
  private async showAgain({ conversation, data }: EventOf<'message.withheld'>): Promise<void> {
    const look = async (): Promise<null> => {
      this.quotes.again(queries.placeKey(conversation, data.message));
      const { thread, log } = this.state.conversations.get(conversation) ?? {};
      const entry = thread?.entries.find(({ id }) => id === data.message);
      const isGone = log?.amended.get(data.message)?.recalled ?? false;
      if (!data.withheld && !isGone && entry?.content === null) this.threads.missed(conversation);
      return null;
    };
    await again(look, () => this.closed);
  }

  /** The server knows what was read. What is left of mentions and threads, it knows best. */
  private read({ conversation, position }: Ack): void {
    const known = this.state.conversations.get(conversation);
    if (known?.kind === 'group' && (known.mentioned > 0 || known.unreadThreads > 0)) {
      void this.summaries.renew(conversation, position);
    }
  }

  private markRead(): void {
    const { selected, conversations } = this.state;
    const shown = selected === null ? undefined : conversations.get(selected);
    if (!shown || !this.atEnd || !document.hasFocus() || document.hidden) {
      this.watched = null;
      return;
    }
    const { id, lastSeq: seq, unread, marks } = shown;
    // Whoever has been looking on sees what comes, and needs not be told what is new.
    if (this.watched !== id) this.update(state => store.withFresh(state, id));
    this.watched = id;
    if (unread === 0 && !marks.unread) return;
    this.update(state => store.withRead(state, id, seq));
    this.reads.read(id, seq);
  }

  /** Whether somebody wants to be told of what was said: of the muted, what mentions them. */
  private concerns({ conversation, data }: EventOf<'message.sent'>): boolean {
    const { me, conversations } = this.state;
    const marks = conversations.get(conversation)?.marks;
    return !marks || !isMuted(marks, this.now()) || (data.mentions?.includes(me) ?? false);
  }

  private async opened(ack: { conversation: string; position: string }): Promise<string> {
    await this.summaries.opened(ack.conversation, ack.position);
    this.select(ack.conversation);
    return ack.conversation;
  }

  private readonly onOnline = (): void => this.socket.hurry();
  /** Asks before what was written is lost with the page. */
  private readonly onBeforeUnload = (event: BeforeUnloadEvent): void => {
    if (store.hasUnsent(this.state)) event.preventDefault();
  };
  private readonly onPageHide = (): void => {
    this.cursors.save();
    this.drafts.save();
  };
  private readonly onAttention = (): void => {
    this.presence.attention();
    if (document.hidden) return;
    this.socket.hurry();
    this.markRead();
    if (this.state.selected !== null) this.threads.look(this.state.selected);
  };
}
