// Governing a group: what there is to see to, beside its conversation, and what its owners and admins do.
import type {
  AboutSomebody,
  Ack,
  CommandBody,
  GroupSettings,
  Role,
  TidingsEvent,
} from '../protocol/frames.ts';
import { again, LAGS_MS, pause } from './again.ts';
import type { Core } from './core.ts';
import {
  answered,
  emptyGoverned,
  hear,
  isTold,
  LISTS,
  type Governed,
  type ListName,
} from './nouns/governed.ts';
import { roleOf } from './nouns/permission.ts';
import * as queries from './queries.ts';
import * as store from './store.ts';

/** Of those who are muted, so many pages are loaded at most. */
const MUTED_PAGES_MAX = 20;

/** A time for which a group is shown: what was asked for before it says nothing in it. */
interface Opening {
  /** How many of the lags have passed since a link was used: so often it was asked how often links were. */
  lags: number;
  counting: boolean;
}

/** All that is done here fails with a sentence for people. What came of it is told by events. */
export class Governing {
  private readonly openings = new Map<string, Opening>();

  constructor(
    private readonly core: Core,
    private readonly find: (username: string) => Promise<store.Person>,
  ) {}

  /** Shows what there is to see to in a group. */
  async open(id: string): Promise<void> {
    const { core } = this;
    core.update(state => ({ ...state, person: null }));
    if (this.shown(id)) return;
    const log = core.state.conversations.get(id)?.log;
    // What is loaded up to now tells what became of things last; a part that was let go of may not.
    const entries = log && !log.cut ? log.entries : [];
    const heard = entries.flatMap(entry => (entry.kind === 'happening' ? [entry.event] : []));
    core.update(state => store.change(state, id, conversation => ({ ...conversation, thread: null })));
    await this.begin(id, emptyGoverned(heard));
  }

  close(id: string): void {
    this.openings.delete(id);
    this.core.update(state => store.change(state, id, conversation => ({ ...conversation, governed: null })));
  }

  /** Takes in what happened in groups that are shown. */
  heard(events: readonly TidingsEvent[]): void {
    for (const id of new Set(events.map(({ conversation }) => conversation))) {
      const governed = this.shown(id);
      if (!governed) continue;
      const own = events.filter(({ conversation }) => conversation === id);
      const words = hear(governed.words, own);
      this.set(id, { ...governed, words });
      if (own.some(event => ranks(event, this.core.state.me))) {
        // Who becomes an admin is told more than before, and who is none any more less.
        void this.begin(id, { ...emptyGoverned([]), words });
        continue;
      }
      // Only the answer counts all uses of a link.
      const opening = this.openings.get(id);
      if (opening && own.some(event => event.kind === 'member.added' && event.data.link !== undefined)) {
        opening.lags = 0;
        void this.count(id);
      }
    }
  }

  /** A group is in view again: what was put off until then is asked for. */
  look(id: string): void {
    void this.count(id);
  }

  /** Something that happened will not come, or happened while there was no connection: it is asked for. */
  missed(id: string): void {
    if (this.shown(id)) void this.begin(id, emptyGoverned([]));
  }

  /** Asks again for what could not be had. */
  retry(id: string): void {
    const governed = this.shown(id);
    if (!governed || governed.state === 'loading') return;
    void this.begin(id, { ...governed, state: 'loading' });
  }

  /** Loads another page of a list. */
  async more(id: string, list: ListName): Promise<void> {
    const opening = this.openings.get(id);
    const after = this.shown(id)?.next[list];
    if (!opening || after === undefined) return;
    const page = await queries.findGoverned(this.core.ask, id, [list], { [list]: after });
    // Meanwhile the list may have been begun again, or this page have come already.
    if (this.lasts(id, opening) && this.shown(id)?.next[list] === after) this.take(id, page, true);
  }

  async add(conversation: string, username: string): Promise<void> {
    await this.about('group.add', conversation, (await this.find(username)).id);
  }

  async invite(conversation: string, username: string): Promise<void> {
    await this.about('group.invite', conversation, (await this.find(username)).id);
  }

  async withdraw(conversation: string, user: string): Promise<void> {
    await this.about('group.withdraw', conversation, user);
  }

  async approve(conversation: string, user: string): Promise<void> {
    await this.about('group.approve', conversation, user);
  }

  async refuse(conversation: string, user: string): Promise<void> {
    await this.about('group.refuse', conversation, user);
  }

  async remove(conversation: string, user: string): Promise<void> {
    await this.about('group.remove', conversation, user);
  }

  async transfer(conversation: string, user: string): Promise<void> {
    await this.about('group.transfer', conversation, user);
  }

  async unban(conversation: string, user: string): Promise<void> {
    await this.about('group.unban', conversation, user);
  }

  async role(conversation: string, user: string, role: Role): Promise<void> {
    await this.command({ type: 'group.role', conversation, user, role });
  }

  /** For so many milliseconds, or until somebody ends it. */
  async mute(conversation: string, user: string, on: boolean, forMs?: number): Promise<void> {
    await this.command({ type: 'group.mute', conversation, user, on, ...this.until(forMs) });
  }

  async ban(conversation: string, user: string, reason: string, forMs?: number): Promise<void> {
    const why = reason === '' ? {} : { reason };
    await this.command({ type: 'group.ban', conversation, user, ...why, ...this.until(forMs) });
  }

  /** Bans somebody who may not be in. */
  async banByName(conversation: string, username: string, reason: string, forMs?: number): Promise<void> {
    await this.ban(conversation, (await this.find(username)).id, reason, forMs);
  }

  async rename(conversation: string, name: string): Promise<void> {
    await this.command({ type: 'group.rename', conversation, name });
  }

  async settle(conversation: string, settings: GroupSettings): Promise<void> {
    await this.command({ type: 'group.settings', conversation, settings });
  }

  /** Makes a link. Answers its secret, which nobody is told again. */
  async makeLink(conversation: string, expiresInS: number, uses: number | null): Promise<string> {
    const counted = uses === null ? {} : { uses };
    const { data } = await this.command({
      type: 'group.link.create',
      conversation,
      expires_in_s: expiresInS,
      ...counted,
    });
    if (data?.secret === undefined) throw new Error('the server did not tell the link');
    return data.secret;
  }

  async revoke(conversation: string, link: string): Promise<void> {
    await this.command({ type: 'group.link.revoke', conversation, link });
  }

  async leave(conversation: string): Promise<void> {
    await this.command({ type: 'group.leave', conversation });
  }

  private until(forMs?: number): { until?: string } {
    return forMs === undefined ? {} : { until: new Date(this.core.now() + forMs).toISOString() };
  }

  private about(type: AboutSomebody, conversation: string, user: string): Promise<Ack> {
    return this.command({ type, conversation, user });
  }

  private command(body: CommandBody): Promise<Ack> {
    return this.core.socket.command(body);
  }

  private shown(id: string): Governed | null | undefined {
    return this.core.state.conversations.get(id)?.governed;
  }

  private set(id: string, governed: Governed): void {
    this.core.update(state => store.change(state, id, conversation => ({ ...conversation, governed })));
  }

  private take(id: string, page: queries.GovernedPage, more = false): void {
    const governed = this.shown(id);
    this.core.update(state => store.withPeople(state, page.people));
    if (governed) this.set(id, answered(governed, page, more));
  }

  private lasts(id: string, opening: Opening): boolean {
    return !this.core.closed && Boolean(this.shown(id)) && this.openings.get(id) === opening;
  }

  private async begin(id: string, governed: Governed): Promise<void> {
    const opening: Opening = { lags: LAGS_MS.length, counting: false };
    this.openings.set(id, opening);
    this.set(id, governed);
    await this.load(id, opening);
  }

  /** Whether this person was told all that is for them. Who has just become an admin may be none in the read models yet. */
  private isComplete(id: string): boolean {
    const { conversations, me } = this.core.state;
    const conversation = conversations.get(id);
    if (!conversation?.governed || roleOf(conversation, me) === 'member') return true;
    return LISTS.every(list => isTold(conversation.governed!, list));
  }

  /** Asks for all lists. Nothing else ends that they are being loaded. */
  private async load(id: string, opening: Opening): Promise<void> {
    const load = async (): Promise<true | null> => {
      const loaded = await this.loadAll(id, opening).catch(() => false);
      return loaded && this.isComplete(id) ? true : null;
    };
    const loaded = await again(load, () => !this.lasts(id, opening));
    if (this.lasts(id, opening)) this.become(id, loaded ? 'idle' : 'failed');
  }

  /** Asks for the first page of each list, and for all who are muted: members are marked by that. Answers whether it had all. */
  private async loadAll(id: string, opening: Opening): Promise<boolean> {
    const { ask } = this.core;
    let page = await queries.findGoverned(ask, id, LISTS);
    if (!this.lasts(id, opening)) return false;
    this.take(id, page);
    for (let pages = 1; page.next.muted !== undefined && pages < MUTED_PAGES_MAX; pages++) {
      page = await queries.findGoverned(ask, id, ['muted'], page.next);
      if (!this.lasts(id, opening)) return false;
      this.take(id, page, true);
    }
    return true;
  }

  private become(id: string, state: Governed['state']): void {
    const governed = this.shown(id);
    if (governed) this.set(id, { ...governed, state });
  }

  /**
   * Asks for the links some times after one was used: no answer says whether the read models know already. What is used meanwhile begins
   * the waits again, and while the group is not in view, nobody asks.
   */
  private async count(id: string): Promise<void> {
    const opening = this.openings.get(id);
    if (!opening || opening.counting) return;
    opening.counting = true;
    while (opening.lags < LAGS_MS.length && this.isInView(id)) {
      const step = opening.lags;
      await pause(LAGS_MS[step]!, () => opening.lags < step || !this.lasts(id, opening));
      if (!this.lasts(id, opening) || !this.isInView(id)) break;
      if (opening.lags < step) continue;
      opening.lags += 1;
      const page = await this.linksAgain(id).catch(() => null);
      if (page && this.lasts(id, opening)) this.take(id, page);
    }
    opening.counting = false;
  }

  /** As many links as are shown, and no fewer than a page: what somebody has gone on to stays. */
  private async linksAgain(id: string): Promise<queries.GovernedPage> {
    const { ask } = this.core;
    let page = await queries.findGoverned(ask, id, ['links']);
    const lacks = (): boolean =>
      (page.answers.links?.length ?? 0) < (this.shown(id)?.answers.links?.length ?? 0);
    while (page.next.links !== undefined && lacks()) {
      const more = await queries.findGoverned(ask, id, ['links'], page.next);
      const links = [...(page.answers.links ?? []), ...(more.answers.links ?? [])];
      page = { answers: { links }, next: more.next, people: [...page.people, ...more.people] };
    }
    return page;
  }

  private isInView(id: string): boolean {
    const { selected, person } = this.core.state;
    return selected === id && person === null && Boolean(this.shown(id));
  }
}

/** Whether an event says what somebody is in a group. */
const ranks = (event: TidingsEvent, user: string): boolean =>
  (event.kind === 'role.changed' || event.kind === 'member.added') && event.data.user === user;
