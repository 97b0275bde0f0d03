// What people show of themselves, what they let others do, and how they are there.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Locator } from 'playwright-core';
import { eventually, type Person } from './person.ts';
import { stage } from './stage.ts';

const { registered, two } = stage();

/** A picture of one pixel. */
const PIXEL = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
);

async function choose(person: Person, name: string): Promise<void> {
  await person.page.getByRole('button', { name: /^Your account/ }).click();
  await person.page
    .getByRole(name === 'Profile and settings' ? 'menuitem' : 'menuitemradio', { name, exact: true })
    .click();
  await person.page.getByRole('menu').waitFor({ state: 'detached' });
}

const panel = (person: Person): Locator => person.page.getByRole('region', { name: 'Profile and settings' });

test('a name, a few words and a picture are shown to others', async () => {
  const [ann, ben] = await two({}, { viewport: { width: 390, height: 720 }, colorScheme: 'dark' });
  await choose(ann, 'Profile and settings');
  const form = panel(ann).getByRole('form', { name: 'Profile' });
  await form.getByLabel('Display name').fill('Anna');
  await form.getByLabel('About you').fill('I live by the mill.');
  await form.getByRole('button', { name: 'Save' }).click();
  await form.getByText('Saved.').waitFor();
  const chooser = ann.page.waitForEvent('filechooser');
  await panel(ann).getByRole('button', { name: 'Choose a picture' }).click();
  await (await chooser).setFiles({ name: 'me.png', mimeType: 'image/png', buffer: PIXEL });
  await panel(ann).getByAltText('Your picture').waitFor();
  await ann.shot('profile');
  await ben.page.reload();
  await ben.page.getByRole('button', { name: 'About Anna' }).click();
  const pane = ben.page.getByRole('complementary', { name: 'About Anna' });
  await pane.getByText('I live by the mill.').waitFor();
  await pane.getByText('Was called Ann before.').waitFor();
  await pane.getByAltText('Picture of Anna').waitFor();
  await ben.shot('person-narrow');
  await ben.page.keyboard.press('Escape');
  await pane.waitFor({ state: 'detached' });
  await ben.field.waitFor();
  for (const person of [ann, ben]) await person.leave();
});

test('somebody who is not to be disturbed says so, and whoever hides is not seen', async () => {
  const [ann, ben] = await two();
  const dot = ben.item('Ann').locator('.avatar');
  const there = (): Promise<string | null> => dot.getAttribute('data-there');
  await eventually(there, 'online');
  await choose(ann, 'Do not disturb');
  await eventually(there, 'dnd');
  await ann.page.reload();
  await ann.page.getByText(/Do not disturb/).waitFor();
  await eventually(there, 'dnd');
  await choose(ann, 'Invisible');
  await eventually(there, null);
  await choose(ann, 'Online');
  await eventually(there, 'online');
  for (const person of [ann, ben]) await person.leave();
});

test('a conversation that comes late does not close the menu that somebody has opened', async () => {
  const [ann] = await two();
  const shown = await ann.page.evaluate(() => location.hash);
  await ann.turnAway();
  await ann.page.getByRole('button', { name: /^Your account/ }).click();
  const first = ann.page.getByRole('menuitem', { name: 'Profile and settings' });
  await first.and(ann.page.locator(':focus')).waitFor();
  await ann.page.evaluate(hash => void (location.hash = hash), shown);
  await ann.field.waitFor();
  // An effect runs behind a frame.
  await ann.page.evaluate(() => new Promise(done => requestAnimationFrame(() => setTimeout(done))));
  assert.ok(await first.and(ann.page.locator(':focus')).isVisible());
  await ann.leave();
});

test('whoever wants nobody to open a conversation is not opened one with', async () => {
  const ann = await registered('Ann');
  const ben = await registered('Ben');
  await choose(ann, 'Profile and settings');
  const privacy = panel(ann).getByRole('form', { name: 'Privacy' });
  await privacy.getByLabel('Who may open a conversation with you').selectOption('contacts');
  await privacy.getByLabel('Who sees when you were last here').selectOption('nobody');
  await privacy.getByText('Saving…').waitFor({ state: 'detached' });
  await ann.shot('privacy');
  await ann.page.reload();
  await choose(ann, 'Profile and settings');
  await eventually(() => privacy.getByLabel('Who may open a conversation with you').inputValue(), 'contacts');
  await ben.page.getByRole('button', { name: 'New', exact: true }).click();
  const dialog = ben.page.getByRole('dialog');
  await dialog.getByLabel('Username').fill(ann.username);
  await dialog.getByRole('button', { name: 'Open' }).click();
  await dialog.getByRole('alert').filter({ hasText: /\S/ }).waitFor();
  await ben.page.keyboard.press('Escape');
  for (const person of [ann, ben]) await person.leave();
});
