import assert from 'node:assert/strict';
import { test } from 'node:test';
import { flood } from './flood.ts';
import { eventually, openBrowser, Person } from './person.ts';
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
    /** Scrolls as far as there is something, until it is there, and looks at all that is shown on the way. */
    const scrollTo = async (top: boolean, text: string): Promise<void> => {
      for (let rounds = 0; (await ben.message(text).count()) === 0; rounds++) {
        assert.ok(rounds < 2_000, `${text} is never shown`);
        await list.evaluate((element, top) => (element.scrollTop = top ? 0 : element.scrollHeight), top);
        await ben.page.waitForTimeout(20);
        const shown = await numbers();
        assert.ok(shown.length <= MOST, `${shown.length} messages are shown`);
        assert.deepEqual(
          shown,
          shown.map((_, i) => shown[0]! + i),
        );
      }
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
