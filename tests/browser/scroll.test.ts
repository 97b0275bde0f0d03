import assert from 'node:assert/strict';
import { test } from 'node:test';
import { flood } from './flood.ts';
import { eventually, openBrowser, PATIENCE_MS, Person } from './person.ts';
import { Server } from './server.ts';

const MESSAGES = 2_000;
/** What the page may hold of a conversation, and a page more. */
const MOST = 1_300;

test('a page holds a bounded part of a long conversation, wherever its reader is', async () => {
  const server = await Server.start({ TIDINGS_LOAD_TEST: 'true' });
  const browser = await openBrowser();
  try {
    const ann = await Person.arrive(browser, server.url, 'Ann');
    const ben = await Person.arrive(browser, server.url, 'Ben');
    await ann.register();
    await ben.register();
    await ann.openDirect(ben);
    await flood(ann, MESSAGES);
    await ben.choose('Ann');
    await ben.sees(`message ${MESSAGES}`);
    const list = ben.page.locator('.messages');
    const numbers = async (): Promise<number[]> =>
      (await ben.texts()).map(text => Number(text.replace('message ', '')));
    let most = 0;
    const holes: number[][] = [];
    /** Scrolls as far as there is something, until it is there, and looks at all that is shown on the way. */
    const scrollTo = async (top: boolean, text: string): Promise<void> => {
      const scroll = async (): Promise<number> => {
        await list.evaluate((element, top) => (element.scrollTop = top ? 0 : element.scrollHeight), top);
        const shown = await numbers();
        if (shown.length > MOST) most = shown.length;
        if (shown.some((number, i) => number !== shown[0]! + i)) holes.push(shown);
        return ben.message(text).count();
      };
      // There are many pages on the way.
      await eventually(scroll, 1, 4 * PATIENCE_MS);
      assert.equal(most, 0, `${most} messages are shown`);
      assert.deepEqual(holes, []);
    };
    await scrollTo(true, 'message 1');
    assert.equal(await ben.message(`message ${MESSAGES}`).count(), 0);
    // What comes meanwhile is counted, and moves nothing.
    await ann.say('are you there?');
    await ben.page.getByRole('button', { name: '1 new ↓' }).waitFor();
    assert.equal((await numbers())[0], 1);
    await scrollTo(false, 'message 1500');
    await scrollTo(true, 'message 1');
    await ben.page.getByRole('button', { name: '1 new ↓' }).click();
    await ben.sees('are you there?');
    await eventually(() => ben.page.locator('.badge').count(), 0);
    await ann.leave();
    await ben.leave();
  } finally {
    await browser.close();
    await server.stop();
  }
});
