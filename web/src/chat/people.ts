// Who the people are: found by their name, and asked for where they appear without one.
import { pause } from './again.ts';
import type { Core } from './core.ts';
import * as queries from './queries.ts';
import * as store from './store.ts';

const AT_ONCE = 40;
const AGAIN_MS = 5_000;

export class People {
  private readonly asked = new Set<string>();
  private waiting = false;

  constructor(private readonly core: Core) {}

  /** Fails with a sentence for people. */
  async find(username: string): Promise<store.Person> {
    const person = await queries.findPerson(this.core.ask, username);
    if (!person) throw new Error(`Nobody here is called “${username}”.`);
    this.core.update(state => store.withPeople(state, [person]));
    return person;
  }

  /** Asks for the names of those who appear but are not known. */
  async meetStrangers(): Promise<void> {
    const ids = store.strangers(this.core.state).filter(id => !this.asked.has(id));
    for (let first = 0; first < ids.length; first += AT_ONCE) {
      const some = ids.slice(first, first + AT_ONCE);
      for (const id of some) this.asked.add(id);
      try {
        const people = await queries.findPeople(this.core.ask, some);
        this.core.update(state => store.withPeople(state, people));
      } catch {
        for (const id of some) this.asked.delete(id);
        void this.again();
      }
    }
  }

  private async again(): Promise<void> {
    if (this.waiting) return;
    this.waiting = true;
    await pause(AGAIN_MS);
    this.waiting = false;
    if (!this.core.closed) await this.meetStrangers();
  }
}
