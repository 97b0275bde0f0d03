// Messages that change: edited, recalled, reacted to.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Browser, Locator } from 'playwright-core';
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

async function registered(name: string, url = server.url): Promise<Person> {
  const person = await Person.arrive(browser, url, name);
  await person.register();
  return person;
}

/** Two who talk, each with the conversation in view. */
async function two(): Promise<[Person, Person]> {
  const [ann, ben] = [await registered('Ann'), await registered('Ben')];
  await ann.openDirect(ben);
  await ann.say('Good mornnig');
  await ben.choose('Ann');
  for (const person of [ann, ben]) await person.sees('Good mornnig');
  return [ann, ben];
}

/** One of the buttons of a message. */
async function act(message: Locator, name: 'React' | 'Edit' | 'Pin' | 'Unpin' | 'Recall'): Promise<void> {
  await message.hover();
  await message.getByRole('button', { name, exact: true }).click();
}

const hasFocus = (element: Locator): Promise<boolean> =>
  element.evaluate(one => one === document.activeElement);

const reactions = (message: Locator): Promise<string[]> => message.locator('.reaction').allTextContents();

test('an edit is shown to both, with what it said before', async () => {
  const [ann, ben] = await two();
  await act(ann.message('Good mornnig'), 'Edit');
  const editor = ann.page.getByRole('textbox', { name: 'Edit message' });
  await eventually(() => editor.inputValue(), 'Good mornnig');
  await editor.fill('Good morning');
  await ann.shot('edit');
  await editor.press('Enter');
  for (const person of [ann, ben]) {
    await person.sees('Good morning');
    await person.message('Good morning').getByRole('button', { name: 'edited' }).waitFor();
    await eventually(() => person.texts(), ['Good morning']);
  }
  await eventually(() => ben.item('Ann').locator('.item-preview').textContent(), 'Good morning');
  await ben.message('Good morning').getByRole('button', { name: 'edited' }).click();
  const versions = ben.page.getByRole('dialog', { name: 'What it said before' });
  await eventually(() => versions.locator('.text').allTextContents(), ['Good mornnig', 'Good morning']);
  await ben.shot('versions');
  await versions.getByRole('button', { name: 'Close' }).click();
  // Ben cannot edit what Ann wrote.
  await ben.message('Good morning').hover();
  await ben.message('Good morning').getByRole('button', { name: 'React' }).waitFor();
  assert.equal(
    await ben.message('Good morning').getByRole('button', { name: 'Edit', exact: true }).count(),
    0,
  );
  // It is the same after a reload, from the log.
  await ben.page.reload();
  await ben.sees('Good morning');
  await ben.message('Good morning').getByRole('button', { name: 'edited' }).waitFor();
  await ann.leave();
  await ben.leave();
});

test('a pinned message is marked for both and in the list of pins, until it is unpinned or recalled', async () => {
  const [ann, ben] = await two();
  await ann.say('And good night');
  await ben.sees('And good night');
  const pins = async (person: Person): Promise<string[]> => {
    await person.page.getByRole('button', { name: 'Pinned messages' }).click();
    const dialog = person.page.getByRole('dialog', { name: 'Pinned messages' });
    await dialog.locator('li').or(dialog.getByText('Nothing is pinned here.')).first().waitFor();
    const texts = await dialog.locator('.text').allTextContents();
    await dialog.getByRole('button', { name: 'Close' }).click();
    await dialog.waitFor({ state: 'detached' });
    return texts;
  };
  await act(ben.message('Good mornnig'), 'Pin');
  for (const person of [ann, ben]) await person.message('Good mornnig').locator('.pinned').waitFor();
  await ann.page.getByText('Ben pinned a message').waitFor();
  await act(ann.message('And good night'), 'Pin');
  await ben.message('And good night').locator('.pinned').waitFor();
  await eventually(() => pins(ben), ['And good night', 'Good mornnig']);
  await ben.shot('pins');
  await act(ann.message('Good mornnig'), 'Unpin');
  await ben.message('Good mornnig').locator('.pinned').waitFor({ state: 'detached' });
  await eventually(() => pins(ann), ['And good night']);
  // A recall takes the pin away.
  await act(ann.message('And good night'), 'Recall');
  await ann.page.getByRole('dialog').getByRole('button', { name: 'Recall' }).click();
  await ben.page.locator('.message.recalled[data-seq]').waitFor();
  await eventually(() => pins(ben), []);
  await ann.leave();
  await ben.leave();
});

test('a recalled message leaves a placeholder and nothing of what it said', async () => {
  const [ann, ben] = await two();
  await act(ann.message('Good mornnig'), 'Recall');
  const question = ann.page.getByRole('dialog', { name: 'Recall this message?' });
  await ann.shot('recall');
  await question.getByRole('button', { name: 'Keep it' }).click();
  assert.deepEqual(await ann.texts(), ['Good mornnig']);
  await act(ann.message('Good mornnig'), 'Recall');
  await question.getByRole('button', { name: 'Recall' }).click();
  for (const person of [ann, ben]) {
    await eventually(() => person.texts(), ['Message recalled']);
    await person.page.locator('.message.recalled[data-seq]').waitFor();
  }
  await eventually(
    async () => (await ben.item('Ann').locator('.item-preview').textContent()) ?? '',
    'Message recalled',
  );
  await ben.page.reload();
  await eventually(() => ben.texts(), ['Message recalled']);
  await eventually(async () => (await ben.page.content()).includes('mornnig'), false);
  await ben.shot('recalled');
  await ann.leave();
  await ben.leave();
});

test('a recalled message that was not read is not unread any more', async () => {
  const ann = await registered('Ann');
  const ben = await registered('Ben');
  await ann.openDirect(ben);
  await ann.say('one', 'two');
  await ben.item('Ann').getByLabel('2 unread').waitFor();
  await act(ann.message('one'), 'Recall');
  await ann.page.getByRole('dialog').getByRole('button', { name: 'Recall' }).click();
  await ben.item('Ann').getByLabel('1 unread').waitFor();
  await ben.page.reload();
  await ben.item('Ann').getByLabel('1 unread').waitFor();
  await ann.leave();
  await ben.leave();
});

test('reactions are set, joined and taken back, by a picker that asks nobody', async () => {
  const [ann, ben] = await two();
  const [hers, his] = [ann.message('Good mornnig'), ben.message('Good mornnig')];
  await act(his, 'React');
  await ben.page.getByRole('dialog', { name: 'React' }).waitFor();
  await ben.shot('picker');
  await ben.page.setViewportSize({ width: 390, height: 720 });
  await ben.shot('picker-narrow');
  await ben.page.setViewportSize({ width: 1100, height: 720 });
  await ben.page.getByRole('button', { name: 'thumbs up' }).click();
  await eventually(() => reactions(hers), ['👍 1']);
  await hers.locator('.reaction').click();
  for (const message of [hers, his]) await eventually(() => reactions(message), ['👍 2']);
  await ben.page
    .getByRole('button', { name: '👍 2: Ben, You' })
    .or(ben.page.getByRole('button', { name: '👍 2: You, Ann' }))
    .waitFor();
  await his.locator('.reaction').click();
  for (const message of [hers, his]) await eventually(() => reactions(message), ['👍 1']);
  await eventually(() => his.locator('.reaction').getAttribute('aria-pressed'), 'false');
  // Any other emoji can be typed.
  await act(his, 'React');
  await ben.page.getByLabel('Another emoji').fill('no emoji');
  assert.ok(
    await ben.page.getByRole('dialog', { name: 'React' }).getByRole('button', { name: 'React' }).isDisabled(),
  );
  await ben.page.getByLabel('Another emoji').fill(':wave:');
  await ben.page.keyboard.press('Enter');
  for (const message of [hers, his]) await eventually(() => reactions(message), ['👍 1', ':wave: 1']);
  await ann.shot('reactions');
  await ann.page.reload();
  await ann.sees('Good mornnig');
  await eventually(() => reactions(hers), ['👍 1', ':wave: 1']);
  await ann.leave();
  await ben.leave();
});

test('keys do all of it: up edits the last message, and a message that has the focus takes e, r and Delete', async () => {
  const [ann, ben] = await two();
  const edited = ann.page.getByRole('textbox', { name: 'Edit message' });
  await ann.field.press('ArrowUp');
  // Keys go to what has the focus, which it takes when it is there.
  await eventually(() => hasFocus(edited), true);
  await ann.page.keyboard.type('!');
  await ann.page.keyboard.press('Enter');
  await ben.sees('Good mornnig!');
  await eventually(() => hasFocus(ann.field), true);
  await ann.say('second');
  await ben.sees('second');
  await ann.sees('second');
  await ann.message('second').focus();
  await ann.page.keyboard.press('ArrowUp');
  await ann.page.keyboard.press('r');
  const picker = ann.page.getByRole('dialog', { name: 'React' });
  await eventually(() => hasFocus(picker.getByRole('button').first()), true);
  await ann.page.keyboard.press('ArrowRight');
  await ann.page.keyboard.press('Enter');
  await eventually(() => reactions(ben.message('Good mornnig!')), ['👎 1']);
  await ann.page.keyboard.press('e');
  await eventually(() => hasFocus(edited), true);
  await ann.page.keyboard.press('Escape');
  await eventually(() => hasFocus(ann.message('Good mornnig!')), true);
  await ann.page.keyboard.press('Delete');
  await ann.page.getByRole('dialog', { name: 'Recall this message?' }).waitFor();
  await ann.page.keyboard.press('Escape');
  assert.deepEqual(await ann.texts(), ['Good mornnig!', 'second']);
  await ann.leave();
  await ben.leave();
});

test('what is changed without a connection is shown at once and reaches the other later', async () => {
  const line = await Line.to(server);
  const ann = await registered('Ann');
  const ben = await registered('Ben', line.url);
  await ann.openDirect(ben);
  await ann.say('hello');
  await ben.choose('Ann');
  await ben.sees('hello');
  await ben.say('helo');
  // Only what has come back can be edited.
  for (const person of [ann, ben]) await person.sees('helo');
  line.cut();
  await ben.link('waiting');
  await act(ben.message('helo'), 'Edit');
  await ben.page.getByRole('textbox', { name: 'Edit message' }).fill('hello to you');
  await ben.page.keyboard.press('Enter');
  await ben.page.locator('.message[data-changing]').getByText('hello to you', { exact: true }).waitFor();
  await act(ben.message('hello'), 'React');
  await ben.page.getByRole('button', { name: 'heart', exact: true }).click();
  await eventually(() => reactions(ben.message('hello')), ['❤️ 1']);
  line.mend();
  await ben.link('online');
  await ann.sees('hello to you');
  await eventually(() => reactions(ann.message('hello')), ['❤️ 1']);
  await eventually(() => ben.page.locator('.message[data-changing]').count(), 0);
  await ann.leave();
  await ben.leave(BROKEN);
  await line.close();
});

test('the owner of a group recalls what a member wrote', async () => {
  const ann = await registered('Ann');
  const ben = await registered('Ben');
  await ann.createGroup('Walkers', [ben]);
  await ben.choose('Walkers');
  await ben.say('nonsense');
  await ann.sees('nonsense');
  await act(ann.message('nonsense'), 'Recall');
  await ann.page.getByRole('dialog').getByRole('button', { name: 'Recall' }).click();
  for (const person of [ann, ben]) await eventually(() => person.texts(), ['Message recalled']);
  await ann.leave();
  await ben.leave();
});
