// What this person is told of beside messages, kept in this browser: the server tells each once.
import type { Notice, TidingsEvent } from '../protocol/frames.ts';
import * as storage from '../shared/storage.ts';
import type { Core } from './core.ts';
import { ofEvent, ofNotice, together, type Told } from './nouns/notice.ts';

const key = (user: string): string => storage.keyOf('notices', user);

export class Notices {
  private forgotten = false;

  /** `session`: that of this page, where it has one. */
  constructor(
    private readonly core: Core,
    private readonly session: () => string | undefined,
  ) {
    addEventListener('storage', this.onStorage);
  }

  /** Shows what was kept. */
  start(): void {
    this.set(stored(this.core.state.me), false);
  }

  noticed(notice: Notice): void {
    const told = ofNotice(notice, this.core.state.me, this.session());
    if (told) this.set([told]);
  }

  /** Takes in events as they come, before what they do to the conversation. */
  heard(events: readonly TidingsEvent[]): void {
    const { me, conversations } = this.core.state;
    const told = events.flatMap(
      event => ofEvent(event, me, conversations.get(event.conversation)?.log?.entries ?? []) ?? [],
    );
    if (told.length > 0) this.set(told);
  }

  /** Asks how far this person has read elsewhere, where something is new here. */
  async reconnected(): Promise<void> {
    const { core } = this;
    const isNew = core.state.notices.told.some(({ seq, read }) => seq !== undefined && !read);
    // What moves nothing is answered with how far they are read.
    const seq = isNew ? await this.readUpTo(1) : 0;
    if (core.closed) return;
    core.update(state => ({ ...state, notices: { ...state.notices, known: true } }));
    this.set(core.state.notices.told.filter(told => (told.seq ?? Infinity) <= seq).map(asRead));
  }

  /** This person has seen them: all, or one. */
  read(some: readonly Told[] = this.core.state.notices.told): void {
    const unread = some.filter(({ read }) => !read);
    if (unread.length === 0) return;
    this.set(unread.map(asRead));
    const left = this.core.state.notices.told.flatMap(({ seq, read }) => (seq && !read ? [seq] : []));
    const last = Math.max(...unread.map(({ seq = 0 }) => seq));
    // What is behind one that was not read is not read either, as far as the server is told.
    const upTo = Math.min(last, ...left.map(seq => seq - 1));
    if (upTo > 0) void this.readUpTo(upTo);
  }

  /** The login has ended, and what was kept went with it: nothing is any more. */
  forget(): void {
    this.forgotten = true;
  }

  stop(): void {
    removeEventListener('storage', this.onStorage);
  }

  /** Answers how far the notices are read then; 0 where nobody knows. */
  private async readUpTo(seq: number): Promise<number> {
    const { socket, state } = this.core;
    const read = socket.command({ type: 'read', conversation: state.me, seq });
    return read.then(
      ack => ack.seq,
      () => 0,
    );
  }

  private set(some: readonly Told[], keep = true): void {
    if (some.length === 0 || this.forgotten) return;
    const { core } = this;
    core.update(state => ({
      ...state,
      notices: { ...state.notices, told: together(some, state.notices.told) },
    }));
    if (!keep) return;
    // Other tabs may have kept others.
    const all = together(core.state.notices.told, stored(core.state.me));
    storage.write(key(core.state.me), JSON.stringify(all));
  }

  private readonly onStorage = (event: StorageEvent): void => {
    if (event.key === key(this.core.state.me) && event.newValue !== null)
      this.set(parsed(event.newValue), false);
  };
}

const asRead = (told: Told): Told => ({ ...told, read: true });

const stored = (user: string): Told[] => parsed(storage.read(key(user)));

function parsed(text: string | null): Told[] {
  try {
    const kept = JSON.parse(text ?? '[]') as unknown;
    if (!Array.isArray(kept)) return [];
    return (kept as Partial<Told>[]).filter(
      (told): told is Told =>
        typeof told?.key === 'string' &&
        typeof told.text === 'string' &&
        typeof told.kind === 'string' &&
        !Number.isNaN(Date.parse(told.at ?? '')),
    );
  } catch {
    return [];
  }
}
