import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Browser, BrowserContextOptions } from 'playwright-core';
import { eventually, openBrowser, Person } from './person.ts';
import { Line, Server } from './server.ts';

/** What browsers say on the console when a connection breaks. */
const BROKEN = /WebSocket connection to|net::ERR_/;

let server: Server;
let browser: Browser;

before(async () => {
  [server, browser] = await Promise.all([Server.start(), openBrowser()]);
});

after(async () => {
  await browser?.close();
  await server?.stop();
});

async function registered(
  name: string,
  url = server.url,
  options: BrowserContextOptions = {},
): Promise<Person> {
  const person = await Person.arrive(browser, url, name, options);
  await person.register();
  return person;
}

test('two people talk to each other live', async () => {
  const ann = await registered('Ann');
  const ben = await registered('Ben', server.url, { colorScheme: 'dark' });
  await ann.openDirect(ben);
  await ann.say('Good morning');
  await ann.sees('Good morning');

  await ben.item('Ann').getByLabel('1 unread').waitFor();
  await eventually(() => ben.page.title(), '(1) Tidings');
  await ben.choose('Ann');
  await ben.sees('Good morning');
  await eventually(() => ben.page.locator('.badge').count(), 0);
  await eventually(() => ben.page.title(), 'Tidings');
  await ann.message('Good morning').getByLabel('Read').waitFor();

  // It is shown for a while only, and not before the server has found out that he may be heard.
  const typing = ann.page.getByText('Ben is typing…');
  await eventually(async () => {
    await ben.field.pressSequentially('Go');
    return typing.count();
  }, 1);
  await ben.field.fill('');
  await ann.page.getByText('Ben is typing…').waitFor({ state: 'detached' });
  await ben.say('Good morning to you');
  await ann.sees('Good morning to you');
  await ann.say('How are you?');
  await ben.sees('How are you?');

  const conversation = ['Good morning', 'Good morning to you', 'How are you?'];
  await eventually(() => ann.texts(), conversation);
  await eventually(() => ben.texts(), conversation);
  await ann.shot('chat-light');
  await ben.shot('chat-dark');
  await ben.page.setViewportSize({ width: 390, height: 720 });
  await ben.shot('chat-narrow');
  await ann.leave();
  await ben.leave();
});

test('what people write is only ever text', async () => {
  const ann = await registered('Ann');
  const ben = await registered('Ben');
  const text = '<img src="/nowhere" onerror="alert(1)"><b>bold</b> &amp; {{x}}\nand a second line';
  await ann.openDirect(ben);
  await ann.field.fill(text);
  await ann.page.getByRole('button', { name: 'Send' }).click();
  await ben.choose('Ann');
  await eventually(() => ben.texts(), [text]);
  assert.equal(await ben.page.locator('.messages img, .messages b').count(), 0);
  await ann.leave();
  await ben.leave();
});

test('a group talks, and says who said what', async () => {
  const ann = await registered('Ann');
  const ben = await registered('Ben');
  const cleo = await registered('Cleo');
  await ann.createGroup('Walkers', [ben, cleo]);
  await ann.say('Who comes along?');
  for (const other of [ben, cleo]) {
    await other.choose('Walkers');
    await other.sees('Who comes along?');
  }
  await ben.say('I do');
  await cleo.sees('I do');
  await cleo.say('Me too');
  for (const person of [ann, ben, cleo]) {
    await eventually(() => person.texts(), ['Who comes along?', 'I do', 'Me too']);
  }
  await eventually(() => cleo.message('I do').locator('.name').textContent(), 'Ben');
  await ann.page.getByText('You created the group “Walkers”').waitFor();
  await ann.shot('group');
  await ann.leave();
  await ben.leave();
  await cleo.leave();
});

test('nobody can be talked to who is not there', async () => {
  const ann = await registered('Ann');
  await ann.page.getByRole('button', { name: 'New', exact: true }).click();
  const dialog = ann.page.getByRole('dialog');
  await dialog.getByLabel('Username').fill('nobody-at-all');
  await dialog.getByRole('button', { name: 'Open' }).click();
  await dialog.getByRole('alert').getByText('Nobody here is called “nobody-at-all”.').waitFor();
  await ann.page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'detached' });
  await ann.leave();
});

test('scrolling up brings the whole history, and does not move what one reads', async () => {
  const ann = await registered('Ann');
  const ben = await registered('Ben');
  await ann.openDirect(ben);
  const all = Array.from({ length: 130 }, (_, i) => `message ${i + 1}`);
  await ann.say(...all);
  await ann.sees(all.at(-1)!);

  await ben.page.reload();
  await ben.choose('Ann');
  await ben.sees(all.at(-1)!);
  // Some may come live, and the page behind them a little later.
  await eventually(() => ben.page.locator('.beginning').textContent(), 'Load older messages');
  const loaded = await ben.texts();
  assert.ok(loaded.length < all.length, 'not all is loaded at once');
  const list = ben.page.getByRole('log');
  // The oldest one itself loses its name when what the same person said before comes to stand above it.
  const looked = ben.message(loaded[5]!);
  const top = (): Promise<number> => looked.evaluate(element => element.getBoundingClientRect().top);
  await list.evaluate(element => (element.scrollTop = 300));
  const before = await top();
  await eventually(async () => (await ben.texts()).length > loaded.length, true);
  assert.ok(Math.abs((await top()) - before) < 2, 'the message stays where it was');
  await eventually(async () => {
    await list.evaluate(element => (element.scrollTop = 0));
    return ben.texts();
  }, all);
  await ann.leave();
  await ben.leave();
});

test('after a cut, what was missed comes once and in order, and what was written goes out once', async () => {
  const line = await Line.to(server);
  const ann = await registered('Ann');
  const ben = await registered('Ben', line.url);
  await ann.openDirect(ben);
  await ann.say('before');
  await ben.choose('Ann');
  await ben.sees('before');

  const place = await ben.item('Ann').boundingBox();
  line.cut();
  await ben.link('waiting');
  await ben.page.getByText(/^No connection\./).waitFor();
  // What is to be chosen does not move under the pointer.
  assert.deepEqual(await ben.item('Ann').boundingBox(), place);
  await ann.say('one', 'two', 'three');
  await ann.sees('three');
  await ben.say('from the tunnel');
  await ben.page.locator('.message[data-state="sending"]').getByText('from the tunnel').waitFor();

  line.mend();
  await ben.link('online');
  await ann.sees('from the tunnel');
  const conversation = ['before', 'one', 'two', 'three', 'from the tunnel'];
  await eventually(() => ben.texts(), conversation);
  await eventually(() => ann.texts(), conversation);
  await ann.leave();
  await ben.leave(BROKEN);
  await line.close();
});

test('a message that got no answer can be sent again, and appears once', async () => {
  const line = await Line.to(server);
  const ann = await registered('Ann');
  const ben = await Person.arrive(browser, line.url, 'Ben');
  await ben.page.clock.install();
  await ben.register();
  await ben.openDirect(ann);
  line.cut();
  await ben.link('waiting');
  await ben.say('again and again');
  await ben.page.clock.fastForward(31_000);
  await ben.page.getByText('Not sent: There was no answer.').waitFor();
  line.mend();
  await ben.page.getByRole('button', { name: 'Retry' }).click();
  await ben.sees('again and again');
  await ann.choose('Ben');
  await eventually(() => ann.texts(), ['again and again']);
  await eventually(() => ben.texts(), ['again and again']);
  await ann.leave();
  await ben.leave(BROKEN);
  await line.close();
});

test('a reload keeps the login and the place, and brings what was missed', async () => {
  const ann = await registered('Ann');
  const ben = await registered('Ben');
  await ann.openDirect(ben);
  await ann.say('one');
  await ben.choose('Ann');
  await ben.sees('one');
  const address = ben.page.url();
  await ben.page.goto('about:blank');
  await ann.say('two', 'three');
  await ann.sees('three');
  await ben.page.goto(address);
  await eventually(() => ben.texts(), ['one', 'two', 'three']);
  await ann.say('four');
  await eventually(() => ben.texts(), ['one', 'two', 'three', 'four']);
  await ann.leave();
  await ben.leave();
});

test('an expired token is replaced without a word', async () => {
  const ann = await registered('Ann');
  const stored = () => ann.page.evaluate(() => JSON.parse(localStorage.getItem('tidings.session')!));
  const old = await stored();
  await ann.page.evaluate(() => {
    const session = JSON.parse(localStorage.getItem('tidings.session')!);
    localStorage.setItem(
      'tidings.session',
      JSON.stringify({ ...session, expires_at: '2020-01-01T00:00:00.000Z' }),
    );
  });
  await ann.page.reload();
  await ann.link('online');
  const renewed = await stored();
  assert.notEqual(renewed.refresh_token, old.refresh_token);
  assert.ok(Date.parse(renewed.expires_at) > Date.now());
  await ann.leave();
});

test('who signs out is out, in all tabs', async () => {
  const ann = await registered('Ann');
  const other = await ann.context.newPage();
  await other.goto(`${server.url}/`);
  await other.locator('[data-link="online"]').waitFor({ state: 'attached' });
  await ann.page.getByRole('button', { name: 'Sign out' }).click();
  for (const page of [ann.page, other])
    await page.getByRole('heading', { name: 'Sign in to Tidings' }).waitFor();
  assert.equal(await ann.page.evaluate(() => localStorage.getItem('tidings.session')), null);
  await ann.signIn();
  await other.close();
  await ann.leave();
});

test('a wrong password is said', async () => {
  const ann = await registered('Ann');
  await ann.page.getByRole('button', { name: 'Sign out' }).click();
  await ann.page.getByLabel('Username').fill(ann.username);
  await ann.page.getByLabel('Password').fill('not the password');
  await ann.page.getByRole('button', { name: 'Sign in' }).click();
  await ann.page.getByRole('alert').filter({ hasText: /\S/ }).waitFor();
  await ann.leave(/401/);
});
