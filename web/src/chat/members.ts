// Who is in a large group: the list of conversations names only some.
import { again } from './again.ts';
import type { Core } from './core.ts';
import * as queries from './queries.ts';
import * as store from './store.ts';

/** Pages of 100 members that are loaded at most. */
const PAGES_MAX = 10;
/** How long what was loaded is good. */
const FRESH_MS = 5 * 60_000;

export class Members {
  private readonly loadedAt = new Map<string, number>();

  constructor(
    private readonly core: Core,
    private readonly findPerson: (username: string) => Promise<store.Person>,
  ) {}

  /** Loads the members of a conversation, where there may be others than those who are known. */
  async load(id: string): Promise<void> {
    const { core } = this;
    const roster = core.state.conversations.get(id)?.roster ?? 'all';
    if (roster === 'all' || roster === 'loading') return;
    if (roster === 'first' && Date.now() - (this.loadedAt.get(id) ?? 0) < FRESH_MS) return;
    this.loadedAt.set(id, Date.now());
    core.update(state => store.withRoster(state, id, 'loading'));
    const came = await this.loadPages(id).catch(() => 'failed' as const);
    // Where events were lost meanwhile, there may be others again.
    if (core.state.conversations.get(id)?.roster !== 'loading') return;
    core.update(state => store.withRoster(state, id, came));
  }

  /** Finds a member who may not be loaded, by their username. Fails with a sentence for people. */
  async find(id: string, username: string): Promise<void> {
    const { core } = this;
    const person = await this.findPerson(username);
    const { members = [], lastSeq = 0 } = core.state.conversations.get(id) ?? {};
    if (members.includes(person.id)) return;
    // Read models that lag would bring back whoever has just left.
    const find = async (): Promise<queries.FoundMember | null> => {
      const found = await queries.findMember(core.ask, id, person.id);
      return found && found.lastSeq >= lastSeq ? found : null;
    };
    const found = await again(find, () => core.closed);
    if (!found) throw new Error('the server does not know that yet. Try again.');
    const { role } = found;
    if (!role) throw new Error(`${person.displayName} is not in this group.`);
    core.update(state => store.withMembers(state, id, [person], new Map([[person.id, role]])));
  }

  private async loadPages(id: string): Promise<store.Conversation['roster']> {
    const { core } = this;
    let after: string | null = null;
    for (let page = 0; page < PAGES_MAX && !core.closed; page++) {
      const found: queries.MembersPage = await queries.findMembers(core.ask, id, after);
      // Of a group that the read models do not show yet, nobody is told.
      if (found.people.length === 0 && page === 0) return 'failed';
      core.update(state =>
        store.withMembers(store.withPeople(state, found.people), id, found.people, found.roles),
      );
      after = found.next;
      if (after === null) return 'all';
    }
    return 'first';
  }
}
