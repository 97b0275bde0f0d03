// A server and a browser for as long as a test file runs, and people who come to it.
import { after, before } from 'node:test';
import type { Browser, BrowserContextOptions } from 'playwright-core';
import { openBrowser, Person } from './person.ts';
import { Server } from './server.ts';

export interface Stage {
  readonly server: Server;
  /** Somebody with a profile and an account of their own. */
  registered(name: string, options?: BrowserContextOptions): Promise<Person>;
  /** The same person at another device. */
  again(person: Person, options?: BrowserContextOptions): Promise<Person>;
  /** Two who talk, each with the conversation in view; Ann has said good morning. */
  two(hers?: BrowserContextOptions, his?: BrowserContextOptions): Promise<[Person, Person]>;
}

export function stage(settings: Record<string, string> = {}): Stage {
  let server: Server | undefined;
  let browser: Browser | undefined;
  before(async () => {
    [server, browser] = await Promise.all([Server.start(settings), openBrowser()]);
  });
  after(async () => {
    await browser?.close();
    await server?.stop();
  });
  const registered: Stage['registered'] = async (name, options) => {
    const person = await Person.arrive(browser!, server!.url, name, options);
    await person.register();
    return person;
  };
  return {
    get server() {
      return server!;
    },
    registered,
    again: (person, options) => person.again(browser!, options),
    async two(hers, his) {
      const [ann, ben] = [await registered('Ann', hers), await registered('Ben', his)];
      await ann.openDirect(ben);
      await ann.say('Good morning');
      await ben.choose('Ann');
      for (const person of [ann, ben]) await person.sees('Good morning');
      return [ann, ben];
    },
  };
}
