// Contacts and blocks: asked for with each connection and some times behind it, told of by notices meanwhile, and changed.
import type { Notice } from '../protocol/frames.ts';
import { keepAsking } from './again.ts';
import type { Core } from './core.ts';
import { hear, known, said, type Word } from './nouns/contact.ts';
import * as queries from './queries.ts';
import * as store from './store.ts';

/** All that is done here fails with a sentence for people. Notices of it come some seconds later: it is shown at once. */
export class Contacts {
  /** Of whom something was heard since the connection stands: that is newer than what is found. */
  private heard = { ties: new Set<string>(), blocked: new Set<string>() };

  constructor(
    private readonly core: Core,
    private readonly find: (username: string) => Promise<store.Person>,
  ) {}

  /** Asks for what was told while there was no connection. */
  reconnected(): Promise<void> {
    const heard = (this.heard = { ties: new Set(), blocked: new Set() });
    const { core } = this;
    return keepAsking(
      () => queries.findRelations(core.ask),
      found =>
        core.update(state => ({
          ...store.withPeople(state, found.people),
          relations: known(state.relations, found.relations, heard),
        })),
      // A later connection knows better.
      () => core.closed || heard !== this.heard,
    );
  }

  noticed(notice: Notice): void {
    const word = said(notice, this.core.state.me);
    if (word) this.hear(word);
  }

  /** Asks somebody to be a contact; one who has asked already becomes it. */
  async request(user: string, text = ''): Promise<void> {
    const said = text === '' ? {} : { text };
    await this.core.socket.command({ type: 'contact.request', user, ...said });
    const before = this.core.state.relations.ties.get(user)?.kind;
    if (before === 'asks') this.hear({ user, tie: { kind: 'contact' } });
    if (before !== undefined) return;
    const at = new Date(this.core.now()).toISOString();
    this.hear({ user, tie: { kind: 'asked', text: text === '' ? null : text, at } });
  }

  async requestByName(username: string, text: string): Promise<void> {
    await this.request((await this.find(username)).id, text);
  }

  async accept(user: string): Promise<void> {
    await this.core.socket.command({ type: 'contact.accept', user });
    this.hear({ user, tie: { kind: 'contact' } });
  }

  async decline(user: string): Promise<void> {
    await this.core.socket.command({ type: 'contact.decline', user });
    this.hear({ user, tie: null });
  }

  async withdraw(user: string): Promise<void> {
    await this.core.socket.command({ type: 'contact.withdraw', user });
    this.hear({ user, tie: null });
  }

  async remove(user: string): Promise<void> {
    await this.core.socket.command({ type: 'contact.remove', user });
    this.hear({ user, tie: null });
  }

  async block(user: string, on: boolean): Promise<void> {
    await this.core.socket.command({ type: 'user.block', user, on });
    this.hear({ user, blocked: on });
  }

  async blockByName(username: string): Promise<void> {
    await this.block((await this.find(username)).id, true);
  }

  private hear(word: Word): void {
    ('blocked' in word ? this.heard.blocked : this.heard.ties).add(word.user);
    this.core.update(state => ({ ...state, relations: hear(state.relations, word) }));
    // Whom this page watches may be others now.
    if (this.core.state.link.kind === 'online') this.core.lookAfter();
  }
}
