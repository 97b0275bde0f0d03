// A server whose settings are others when it comes back: what it allows then counts, also for what is open on the page.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually, openBrowser, Person } from './person.ts';
import { Line, Server } from './server.ts';

test('what the server allows is what it says when it comes back, and nothing has to be loaded again', async () => {
  let server = await Server.start();
  const browser = await openBrowser();
  const line = await Line.to(server);
  try {
    const ann = await Person.arrive(browser, line.url, 'Ann');
    const ben = await Person.arrive(browser, line.url, 'Ben');
    await ann.register();
    await ben.register();
    await ann.openDirect(ben);
    await ann.say('Good morning');
    await ben.choose('Ann');
    await ben.sees('Good morning');
    const tool = (name: string) => ann.message('Good morning').getByRole('button', { name, exact: true });
    await ann.message('Good morning').hover();
    await tool('Edit').waitFor();
    await ben.message('Good morning').focus();
    await ben.page.keyboard.press('!');
    const dialog = ben.page.getByRole('dialog', { name: 'Report this message?' });
    await dialog.getByLabel('Spam').check();

    line.cut();
    for (const person of [ann, ben]) await person.link('waiting');
    server = await server.restarted({
      TIDINGS_EDIT_WINDOW_S: '0',
      TIDINGS_RECALL_WINDOW_S: '-1',
      TIDINGS_REPORTS__REASONS: '["Off topic", "Rude"]',
      TIDINGS_REPORTS__OTHER_REASONS: 'false',
    });
    line.leadTo(server);
    line.mend();
    for (const person of [ann, ben]) await person.link('online');

    await ann.message('Good morning').hover();
    await tool('Recall').waitFor();
    await eventually(() => tool('Edit').count(), 0);
    // What was chosen is offered no more, and nothing else is chosen in its place.
    const offered = (): Promise<string[]> => dialog.locator('label.check').allTextContents();
    await eventually(offered, ['Off topic', 'Rude']);
    assert.equal(await dialog.getByRole('radio', { checked: true }).count(), 0);
    await dialog.getByLabel('Rude').check();
    await dialog.getByRole('button', { name: 'Report', exact: true }).click();
    await dialog.getByText('It is reported: moderators will look at it.').waitFor();
    for (const person of [ann, ben]) await person.leave(/WebSocket connection to|net::ERR_/);
  } finally {
    await browser.close();
    await line.close();
    await server.stop();
  }
});
