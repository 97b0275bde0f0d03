// Threads that somebody looks at.
import type { Core } from './core.ts';
import { emptyThread, joined, type Thread } from './nouns/thread.ts';
import * as queries from './queries.ts';
import * as store from './store.ts';

export class Threads {
  constructor(private readonly core: Core) {}

  /** Shows the thread below a message. */
  async open(id: string, root: string): Promise<void> {
    if (this.shown(id)?.root === root) return;
    this.core.update(state => withThread(state, id, emptyThread(root)));
    await this.load(id, root, null);
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
      const page = await queries.findThread(core.ask, core.state.me, id, root, before);
      core.update(state => store.withPeople(state, page.people));
      change(thread => joined(thread, page.entries, page.before));
    } catch {
      change(thread => ({ ...thread, state: 'failed' }));
    }
  }
}

export const withThread = (state: store.State, id: string, thread: Thread | null): store.State =>
  store.change(state, id, conversation => ({ ...conversation, thread }));
