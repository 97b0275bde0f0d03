// Threads that somebody looks at.
import type { Notice } from '../protocol/frames.ts';
import { passes, Problem } from '../shared/api.ts';
import { again, later } from './again.ts';
import type { Core } from './core.ts';
import { emptyThread, followed, joined, lastReply, type Thread } from './nouns/thread.ts';
import * as queries from './queries.ts';
import type { Reads } from './reads.ts';
import * as store from './store.ts';
import type { Summaries } from './summaries.ts';

export class Threads {
  private atEnd = true;
  /** By conversation and root, up to where this page has said that it is read. */
  private readonly told = new Map<string, number>();
  /** The root of the thread of which it is being asked whether this person follows it. */
  private asking: string | null = null;
  /** By conversation and root, what this person said of following it: that holds, and answers may not know it yet. */
  private readonly words = new Map<string, boolean>();

  constructor(
    private readonly core: Core,
    private readonly reads: Reads,
    private readonly summaries: Summaries,
  ) {}

  /** Shows the thread below a message. */
  async open(id: string, root: string): Promise<void> {
    this.core.update(state => ({ ...state, person: null }));
    if (this.shown(id)?.root === root) return;
    await this.begin(id, root);
  }

  /** Loads what could not be loaded, with the connection that has come back. */
  reconnected(): void {
    const { selected } = this.core.state;
    if (selected !== null && this.shown(selected)?.state === 'failed') void this.more(selected);
  }

  /** Loads the thread that is shown anew: of what happened in it, something will not come. */
  missed(id: string): void {
    const thread = this.shown(id);
    if (thread) void this.begin(id, thread.root);
  }

  private async begin(id: string, root: string): Promise<void> {
    this.atEnd = true;
    this.core.update(state => withThread(state, id, emptyThread(root, state.conversations.get(id)?.log)));
    await this.load(id, root, null);
  }

  /** Says whether somebody looks at the end of the thread that is shown: only then its replies count as read. */
  viewing(atEnd: boolean): void {
    this.atEnd = atEnd;
    const { selected } = this.core.state;
    if (selected !== null) this.look(selected);
  }

  /** Marks as read what is in view. */
  look(id: string): void {
    const thread = this.shown(id);
    if (!thread || thread.state === 'loading' || !this.atEnd || !document.hasFocus() || document.hidden)
      return;
    const key = `${id}/${thread.root}`;
    const seq = lastReply(thread);
    if (seq <= (this.told.get(key) ?? 0)) return;
    this.told.set(key, seq);
    this.reads.read(id, seq, thread.root);
  }

  /** Fails with a sentence for people. */
  async follow(id: string, root: string, on: boolean): Promise<void> {
    const follow = { type: 'thread.follow', conversation: id, thread: root, on } as const;
    const { position } = await this.core.socket.command(follow);
    this.followed(id, root, on);
    void this.summaries.renew(id, position);
  }

  noticed(notice: Notice): void {
    const said = followed(notice);
    if (said) this.followed(said.conversation, said.thread, said.on);
    const { conversation } = notice.data as { conversation?: unknown };
    // How many threads are unread is another number now.
    const counts = notice.kind.startsWith('thread.') && this.summaries.lack(notice);
    if (counts && typeof conversation === 'string') this.summaries.renewSoon(conversation);
  }

  /** Whoever replies or is mentioned follows from then on, which an event does not say: it is asked. */
  heard(id: string): void {
    const thread = this.shown(id);
    if (thread?.following === false && !this.words.has(`${id}/${thread.root}`))
      void this.askFollowing(id, thread.root);
  }

  /** Asks whether this person follows a thread, until the read models know the last reply that this page knows. */
  private async askFollowing(id: string, root: string): Promise<void> {
    const { core } = this;
    if (this.asking === root) return;
    this.asking = root;
    const find = async (): Promise<queries.ThreadPage | null> => {
      const page = await queries.findThread(core.ask, core.state.me, id, root, null).catch(() => null);
      return page && this.knows(id, root) <= lastReply({ root, entries: page.entries }) ? page : null;
    };
    const page = await later(find, () => core.closed || this.shown(id)?.root !== root);
    if (page) this.answered(id, root, page.following);
    if (this.asking === root) this.asking = null;
  }

  /** The seq of the last reply to a message of which this page knows; 0 where there is none. */
  private knows(id: string, root: string): number {
    const { log, thread } = this.core.state.conversations.get(id) ?? {};
    const entry = log?.entries.findLast(entry => entry.kind === 'message' && entry.thread === root);
    return Math.max(entry?.seq ?? 0, thread?.root === root ? lastReply(thread) : 0);
  }

  private followed(id: string, root: string, following: boolean): void {
    this.words.set(`${id}/${root}`, following);
    this.answered(id, root, following);
  }

  private answered(id: string, root: string, answer: boolean): void {
    const following = this.words.get(`${id}/${root}`) ?? answer;
    const thread = this.shown(id);
    if (thread?.root === root) this.core.update(state => withThread(state, id, { ...thread, following }));
  }

  close(id: string): void {
    this.core.update(state => withThread(state, id, null));
  }

  /** Loads older replies of the one that is shown, or again what failed. */
  async more(id: string): Promise<void> {
    const thread = this.shown(id);
    if (!thread || thread.state === 'loading') return;
    this.core.update(state => withThread(state, id, { ...thread, state: 'loading' }));
    await this.load(id, thread.root, thread.before);
  }

  /** The threads of a conversation, the one with the newest reply first. */
  list(id: string): Promise<queries.ThreadSummary[]> {
    return queries.findThreads(this.core.ask, id);
  }

  private shown(id: string): Thread | null | undefined {
    return this.core.state.conversations.get(id)?.thread;
  }

  private async load(id: string, root: string, before: string | null): Promise<void> {
    const { core } = this;
    const change = (next: (thread: Thread) => Thread): void =>
      core.update(state => {
        const thread = state.conversations.get(id)?.thread;
        // Another one may be shown by now.
        return thread?.root === root ? withThread(state, id, next(thread)) : state;
      });
    try {
      const page = await this.find(id, root, before);
      core.update(state => store.withPeople(state, page.people));
      change(thread => joined(thread, page.entries, page.before));
      this.answered(id, root, page.following);
      const isBehind = before === null && this.knows(id, root) > lastReply({ root, entries: page.entries });
      if (isBehind && !page.following) void this.askFollowing(id, root);
      this.look(id);
    } catch {
      change(thread => ({ ...thread, state: 'failed' }));
    }
  }

  /** One page of a thread. A message that was said right now may not be known yet. */
  private async find(id: string, root: string, before: string | null): Promise<queries.ThreadPage> {
    const { core } = this;
    let problem: unknown;
    const find = async (): Promise<queries.ThreadPage | null> => {
      try {
        return await queries.findThread(core.ask, core.state.me, id, root, before);
      } catch (error) {
        if (!(error instanceof Problem) || !(error.code === 'not_found' || passes(error.code))) throw error;
        problem = error;
        return null;
      }
    };
    const page = await again(find, () => core.closed || this.shown(id)?.root !== root);
    if (!page) throw problem;
    return page;
  }
}

export const withThread = (state: store.State, id: string, thread: Thread | null): store.State =>
  // There is room for one thing beside a conversation.
  store.change(state, id, conversation => ({ ...conversation, thread, ...(thread && { governed: null }) }));
