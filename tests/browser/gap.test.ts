import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually, openBrowser, Person } from './person.ts';
import { Line, Server } from './server.ts';

test('a gap is said, and the page brings the rest', async () => {
  const server = await Server.start({ TIDINGS_GATEWAY__CATCH_UP_EVENTS: '5' });
  const browser = await openBrowser();
  const line = await Line.to(server);
  try {
    const ann = await Person.arrive(browser, server.url, 'Ann');
    const ben = await Person.arrive(browser, line.url, 'Ben');
    await ann.register();
    await ben.register();
    const gaps: string[] = [];
    ben.page.on('websocket', socket =>
      socket.on('framereceived', ({ payload }) => {
        if (String(payload).includes('"type":"gap"')) gaps.push(String(payload));
      }),
    );
    await ann.openDirect(ben);
    await ann.say('before');
    await ben.choose('Ann');
    await ben.sees('before');
    line.cut();
    await ben.link('waiting');
    const missed = Array.from({ length: 40 }, (_, i) => `message ${i + 1}`);
    await ann.say(...missed);
    await ann.sees(missed.at(-1)!);
    line.mend();
    await ben.link('online');
    await eventually(() => ben.texts(), ['before', ...missed]);
    // A connection that breaks once more while it catches up is told again.
    assert.ok(gaps.length >= 1, 'the server said a gap');
    // What each says, so that a failure does, too.
    const badges = (): Promise<string[]> =>
      ben.page.locator('.badge').evaluateAll(all => all.map(badge => badge.outerHTML));
    await eventually(badges, []);
    await ann.leave();
    await ben.leave(/WebSocket connection to|net::ERR_/);
  } finally {
    await browser.close();
    await line.close();
    await server.stop();
  }
});
