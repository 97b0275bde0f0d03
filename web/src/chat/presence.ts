// Whom this page watches, and what it says of its own person.
import type { ErrorFrame } from '../protocol/frames.ts';
import { uuidv7 } from '../shared/ids.ts';
import * as storage from '../shared/storage.ts';
import { asked } from '../shared/wait.ts';
import type { Core } from './core.ts';
import { those } from './nouns/contact.ts';
import { readStatus, told, type Status } from './nouns/status.ts';

/** So many people are watched, those spoken to last. */
const WATCHED_MAX = 200;
/** It is looked at no more often what is shown: the server takes 20 lists a minute. */
const EVERY_MS = 4_000;
/** Whoever has not looked at the page for so long is away. */
const AWAY_MS = 10_000;
const key = (user: string): string => `tidings.status.${user}`;

/** What somebody said of themselves in this browser last. */
export const storedStatus = (user: string): Status => readStatus(storage.read(key(user)));

export class Presence {
  /** What the server was told last over this connection. */
  private said: string | undefined;
  /** What was said of this person in the hello, or since. */
  private greeted: Status = 'online';
  /** Under which id. */
  private asked: string | undefined;
  /** It is not looked before this. */
  private notBefore = 0;
  private later: ReturnType<typeof setTimeout> | undefined;
  private away: ReturnType<typeof setTimeout> | undefined;
  private isAway = false;

  constructor(private readonly core: Core) {
    addEventListener('storage', this.onStorage);
  }

  /** The new connection has been told nothing. */
  reconnected(): void {
    // What was chosen behind the hello and before its answer.
    const value = this.status();
    if (value !== this.greeted) this.core.socket.ephemeral({ type: 'status', value });
    this.said = undefined;
    this.notBefore = 0;
    clearTimeout(this.later);
    this.later = undefined;
  }

  /** What is said of this person with each hello; nothing where it goes without saying. */
  greeting(): object | null {
    const value = this.status();
    this.greeted = value;
    return value === 'online' ? null : { type: 'status', value };
  }

  /** This person is there otherwise, here and in other tabs, until they say something else. */
  choose(status: Status): void {
    storage.write(key(this.core.state.me), status === 'online' ? null : status);
    this.chosen(status);
  }

  /** The server did not take the list. Where it may later, it is told again. */
  refused(id: string, error: ErrorFrame): void {
    if (id !== this.asked || !error.retryable) return;
    this.said = undefined;
    this.notBefore = Date.now() + Math.max(EVERY_MS, asked(error.retry_after_ms));
    this.look();
  }

  /** Watches those whom the page shows. */
  look(): void {
    const { state, socket } = this.core;
    if (state.link.kind !== 'online' || this.later !== undefined) return;
    const wait = this.notBefore - Date.now();
    if (wait > 0) {
      this.later = setTimeout(() => {
        this.later = undefined;
        this.look();
      }, wait);
      return;
    }
    this.notBefore = Date.now() + EVERY_MS;
    const wanted = this.wanted();
    const text = JSON.stringify(wanted);
    if (text === this.said) return;
    this.said = text;
    this.asked = uuidv7();
    socket.ephemeral({ type: 'presence.watch', id: this.asked, ...wanted });
  }

  /** The page was hidden, or is looked at again. */
  attention(): void {
    clearTimeout(this.away);
    if (!document.hidden) this.turn(false);
    else this.away = setTimeout(() => this.turn(true), AWAY_MS);
  }

  stop(): void {
    clearTimeout(this.later);
    clearTimeout(this.away);
    removeEventListener('storage', this.onStorage);
  }

  private turn(isAway: boolean): void {
    this.say(() => (this.isAway = isAway));
  }

  private chosen(status: Status): void {
    this.say(() => this.core.update(state => ({ ...state, status })));
  }

  /** Says how this person is there, where a change makes it another word. */
  private say(change: () => void): void {
    const before = this.status();
    change();
    const value = this.status();
    if (value !== before) this.core.socket.ephemeral({ type: 'status', value });
  }

  private status(): Status {
    return told(this.core.state.status, this.isAway);
  }

  private readonly onStorage = (event: StorageEvent): void => {
    if (event.key === key(this.core.state.me)) this.chosen(readStatus(event.newValue));
  };

  /** The others of direct conversations, contacts, and the conversation that is shown. */
  private wanted(): { users: string[]; conversations: string[] } {
    const { me, selected, conversations, relations } = this.core.state;
    const joined = [...conversations.values()].filter(conversation => conversation.joined);
    const direct = joined.filter(conversation => conversation.kind === 'direct');
    direct.sort((a, b) => (a.lastAt < b.lastAt ? 1 : -1));
    const others = direct.flatMap(({ members }) => members.filter(member => member !== me));
    const users = [...new Set([...others, ...those(relations, 'contact')])].slice(0, WATCHED_MAX).sort();
    const shown = joined.find(conversation => conversation.id === selected && conversation.kind === 'group');
    return { users, conversations: shown ? [shown.id] : [] };
  }
}
