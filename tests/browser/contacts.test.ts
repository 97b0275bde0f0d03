// Contacts and blocks: asking, answering, taking back, and who is kept away.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Locator } from 'playwright-core';
import { eventually, type Person } from './person.ts';
import { stage } from './stage.ts';

const { again, registered } = stage();

const panel = (person: Person): Locator => person.page.getByRole('region', { name: 'Contacts' });

/** Opens the contacts, also where somebody asks. */
async function open(person: Person): Promise<void> {
  await person.page.getByRole('button', { name: /^Contacts/ }).click();
  await panel(person).getByText('Loading…').waitFor({ state: 'detached' });
}

const row = (person: Person, list: string, name: string): Locator =>
  panel(person)
    .getByRole('list', { name: list, exact: true })
    .getByRole('listitem')
    .filter({ hasText: name });

async function ask(person: Person, other: Person, text = ''): Promise<void> {
  const form = panel(person).getByRole('form', { name: 'Ask somebody to be a contact' });
  await form.getByLabel('Username').fill(other.username);
  await form.getByLabel('A few words').fill(text);
  await form.getByRole('button', { name: 'Ask', exact: true }).click();
}

async function act(person: Person, name: string, choice: string): Promise<void> {
  await panel(person)
    .getByRole('button', { name: `What to do with ${name}` })
    .click();
  await person.page.getByRole('menuitem', { name: choice, exact: true }).click();
  await person.page.getByRole('menu').waitFor({ state: 'detached' });
}

test('people become contacts, on all devices, and cease to be', async () => {
  const ann = await registered('Ann');
  const ben = await registered('Ben', { colorScheme: 'dark' });
  const cleo = await registered('Cleo', { viewport: { width: 390, height: 720 } });
  const phone = await again(ben, { viewport: { width: 390, height: 720 } });
  for (const person of [ann, ben, cleo, phone]) await open(person);

  await ask(ann, ann);
  await panel(ann)
    .getByText(/^Not asked: /)
    .waitFor();
  await ask(ann, ben, 'from the mill');
  await row(ann, 'Whom you have asked', 'Ben').waitFor();
  for (const device of [ben, phone]) {
    await row(device, 'Who asks you', 'Ann').getByText('from the mill').waitFor();
    await device.page.getByRole('button', { name: 'Contacts: 1 asks you' }).waitFor();
  }
  await ben.shot('contact-request-dark');
  await row(ben, 'Who asks you', 'Ann').getByRole('button', { name: 'Accept: Ann' }).click();
  for (const device of [ben, phone]) {
    await row(device, 'Your contacts', 'Ann').waitFor();
    await row(device, 'Who asks you', 'Ann').waitFor({ state: 'detached' });
  }
  await row(ann, 'Your contacts', 'Ben').waitFor();

  // Whoever is declined is not told, and may take it back.
  await ask(cleo, ann);
  await row(ann, 'Who asks you', 'Cleo').getByRole('button', { name: 'Decline: Cleo' }).click();
  await row(ann, 'Who asks you', 'Cleo').waitFor({ state: 'detached' });
  await row(cleo, 'Whom you have asked', 'Ann').waitFor();
  await cleo.shot('contacts-narrow');
  await row(cleo, 'Whom you have asked', 'Ann').getByRole('button', { name: 'Withdraw: Ann' }).click();
  await row(cleo, 'Whom you have asked', 'Ann').waitFor({ state: 'detached' });

  await act(ann, 'Ben', 'Write');
  await ann.page.getByRole('heading', { name: 'Ben' }).waitFor();
  await ann.shot('contacts');
  await ann.page.reload();
  await open(ann);
  await act(ann, 'Ben', 'Remove from contacts');
  await row(ann, 'Your contacts', 'Ben').waitFor({ state: 'detached' });
  for (const device of [ben, phone]) await row(device, 'Your contacts', 'Ann').waitFor({ state: 'detached' });
  // Escape leads back to the conversations.
  await ann.page.keyboard.press('Escape');
  await panel(ann).waitFor({ state: 'detached' });
  await ann.item('Ben').waitFor();
  for (const person of [ann, ben, cleo, phone]) await person.leave();
});

test('whoever is blocked writes to somebody alone no more, until they are not', async () => {
  const ann = await registered('Ann');
  const ben = await registered('Ben');
  const cleo = await registered('Cleo');
  await ann.createGroup('Walkers', [ben, cleo]);
  await ann.openDirect(ben);
  await ann.say('Good morning');
  await ben.choose('Ann');
  await ben.sees('Good morning');

  await ann.page.getByRole('button', { name: 'More', exact: true }).click();
  await ann.page.getByRole('menuitem', { name: 'Block…' }).click();
  const question = ann.page.getByRole('dialog', { name: 'Block Ben?' });
  await ann.shot('block');
  await question.getByRole('button', { name: 'Block', exact: true }).click();
  await ann.page.getByText('You block Ben.').waitFor();
  assert.equal(await ann.field.count(), 0);
  await open(ann);
  await row(ann, 'Blocked', 'Ben').waitFor();
  await eventually(async () => {
    await ben.say('Are you there?');
    return (await ben.page.getByText(/^Not sent: /).count()) > 0;
  }, true);

  // In a group nothing changes.
  await ben.choose('Walkers');
  await ben.say('Hello all');
  await cleo.choose('Walkers');
  await cleo.sees('Hello all');

  await ann.page.reload();
  await open(ann);
  await row(ann, 'Blocked', 'Ben').getByRole('button', { name: 'Unblock Ben' }).click();
  await row(ann, 'Blocked', 'Ben').waitFor({ state: 'detached' });
  await panel(ann).getByRole('button', { name: 'Close' }).click();
  await ann.page.getByRole('heading', { name: 'Ben' }).waitFor();
  await ann.say('Let us talk');
  await ben.choose('Ann');
  await ben.sees('Let us talk');
  for (const person of [ann, ben, cleo]) await person.leave();
});

test('beside somebody who is blocked nothing is offered that they would see', async () => {
  const ann = await registered('Ann');
  const ben = await registered('Ben');
  const cleo = await registered('Cleo');
  await ann.createGroup('Walkers', [cleo]);
  await ann.say('We leave at noon');
  await ann.openDirect(ben);
  await ann.say('Good morning');
  await ben.choose('Ann');
  await ben.message('Good morning').hover();
  await ben.message('Good morning').getByRole('button', { name: 'React' }).click();
  await ben.page.getByRole('dialog', { name: 'React' }).locator('.offered button').first().click();
  const said = ann.message('Good morning');
  const reaction = said.locator('.reaction');
  await reaction.waitFor();
  /** What is offered for a message, by the names of the buttons. */
  const offered = async (): Promise<string[]> => {
    await ann.page.getByRole('heading', { name: 'Ben' }).hover();
    await said.hover();
    await said.getByRole('button', { name: 'Hide from me' }).waitFor();
    const names = await said
      .getByRole('toolbar')
      .getByRole('button')
      .evaluateAll(all => all.map(one => one.getAttribute('aria-label') ?? ''));
    return names.filter(name => ['Reply', 'React', 'Pin', 'Edit', 'Forward', 'Recall'].includes(name));
  };
  /** The conversations that a message of the group may be sent on to. */
  const places = async (): Promise<string[]> => {
    await ann.choose('Walkers');
    await ann.message('We leave at noon').hover();
    await ann.message('We leave at noon').getByRole('button', { name: 'Forward' }).click();
    const dialog = ann.page.getByRole('dialog', { name: 'Forward to' });
    await dialog.getByRole('button', { name: 'Walkers' }).waitFor();
    const names = await dialog.locator('.choice').allInnerTexts();
    await dialog.getByRole('button', { name: 'Cancel' }).click();
    await dialog.waitFor({ state: 'detached' });
    await ann.choose('Ben');
    return names.flatMap(name => ['Walkers', 'Ben'].filter(place => name.includes(place))).sort();
  };
  const all = ['Reply', 'React', 'Forward', 'Pin', 'Edit', 'Recall'];
  assert.deepEqual(await offered(), all);
  assert.deepEqual(await places(), ['Ben', 'Walkers']);

  await ann.page.getByRole('button', { name: 'More', exact: true }).click();
  await ann.page.getByRole('menuitem', { name: 'Block…' }).click();
  await ann.page
    .getByRole('dialog', { name: 'Block Ben?' })
    .getByRole('button', { name: 'Block', exact: true })
    .click();
  await ann.page.getByText('You block Ben.').waitFor();
  // What is one's own is taken back, and sent on to others, all the same.
  await eventually(offered, ['Forward', 'Recall']);
  await eventually(() => reaction.getAttribute('aria-disabled'), 'true');
  assert.deepEqual(await places(), ['Walkers']);
  await said.focus();
  for (const key of ['a', 'r', 'p', 'e']) await ann.page.keyboard.press(key);
  for (const name of ['Edit message', 'Another emoji'])
    assert.equal(await ann.page.getByRole('textbox', { name }).count(), 0);
  assert.equal(await said.locator('.pinned').count(), 0);
  await ann.shot('blocked-tools');

  await ann.page.getByRole('button', { name: 'Unblock' }).click();
  await ann.field.waitFor();
  await eventually(offered, all);
  await eventually(() => reaction.getAttribute('aria-disabled'), 'false');
  for (const person of [ann, ben, cleo]) await person.leave();
});
