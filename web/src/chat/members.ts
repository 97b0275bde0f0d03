// Who is in a large group: the list of conversations names only some.
import type { Core } from './core.ts';
import * as queries from './queries.ts';
import * as store from './store.ts';

/** Pages of 100 members that are loaded at most. */
const PAGES_MAX = 10;
/** How long what was loaded is good. */
const FRESH_MS = 5 * 60_000;

export class Members {
  private readonly loadedAt = new Map<string, number>();

  constructor(private readonly core: Core) {}

  /** Loads the members of a conversation, where there may be others than those who are known. */
  async load(id: string): Promise<void> {
    const { core } = this;
    const known = core.state.conversations.get(id)?.members.length ?? 0;
    if (known < store.SUMMARY_MEMBERS || Date.now() - (this.loadedAt.get(id) ?? 0) < FRESH_MS) return;
    this.loadedAt.set(id, Date.now());
    let after: string | null = null;
    try {
      for (let page = 0; page < PAGES_MAX && !core.closed; page++) {
        const found: queries.MembersPage = await queries.findMembers(core.ask, id, after);
        core.update(state =>
          store.withMembers(store.withPeople(state, found.people), id, found.people, found.roles),
        );
        after = found.next;
        if (after === null) return;
      }
    } catch {
      // They are asked for again with the next name that is begun.
      this.loadedAt.delete(id);
    }
  }
}
