// Where somebody is signed in, their password, and the end of their account.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Locator } from 'playwright-core';
import { eventually, PASSWORD, type Person } from './person.ts';
import { stage } from './stage.ts';

const { again, registered, two } = stage();

/** What browsers say when a login has ended elsewhere, or a password is wrong. */
const REFUSED = /401|WebSocket connection to/;

const panel = (person: Person): Locator => person.page.getByRole('region', { name: 'Sessions' });

async function open(person: Person): Promise<Locator> {
  await person.page.getByRole('button', { name: /^Your account/ }).click();
  await person.page.getByRole('menuitem', { name: 'Sessions and password' }).click();
  await panel(person).getByText('this one').waitFor();
  return panel(person);
}

const out = (person: Person, why = 'You have been signed out.'): Promise<void> =>
  person.page.getByText(why).waitFor();

test('a device is signed out from another, and all at once', async () => {
  const ann = await registered('Ann');
  const phone = await again(ann, { viewport: { width: 390, height: 720 } });
  const desk = await again(ann);
  const sessions = await open(ann);
  const list = sessions.getByRole('list', { name: 'Sessions' });
  await eventually(() => list.getByRole('listitem').count(), 3);
  await ann.shot('sessions');
  // The latest used comes first, among the others too.
  await list
    .getByRole('button', { name: /^End: / })
    .first()
    .click();
  await eventually(() => list.getByRole('listitem').count(), 2);
  const isOut = (person: Person): Promise<boolean> =>
    person.page.getByRole('heading', { name: 'Sign in to Tidings' }).isVisible();
  await eventually(async () => Number(await isOut(phone)) + Number(await isOut(desk)), 1);
  await sessions.getByRole('button', { name: 'Sign out everywhere' }).click();
  await ann.page
    .getByRole('dialog', { name: 'Sign out everywhere?' })
    .getByRole('button', { name: 'Sign out', exact: true })
    .click();
  for (const device of [ann, phone, desk]) await eventually(() => isOut(device), true);
  for (const device of [ann, phone, desk]) await device.leave(REFUSED);
});

test('another password signs out all other devices, and is the one that counts', async () => {
  const ann = await registered('Ann');
  const phone = await again(ann, { viewport: { width: 390, height: 720 }, colorScheme: 'dark' });
  const sessions = await open(phone);
  const form = sessions.getByRole('form', { name: 'Password' });
  await form.getByLabel('Your password').fill('not my password');
  await form.getByLabel('The new one').fill('quite another password');
  await form.getByRole('button', { name: 'Change the password' }).click();
  await form.getByText(/^Not changed: /).waitFor();
  await form.getByLabel('Your password').fill(PASSWORD);
  await form.getByRole('button', { name: 'Change the password' }).click();
  await form.getByText('It is changed. All other devices are signed out.').waitFor();
  await phone.shot('password-narrow');
  await out(ann);
  await phone.link('online');
  await phone.page.reload();
  await phone.link('online');
  await ann.page.getByLabel('Username').fill(ann.username);
  await ann.page.getByLabel('Password').fill('quite another password');
  await ann.page.getByRole('button', { name: 'Sign in' }).click();
  await ann.link('online');
  for (const device of [ann, phone]) await device.leave(REFUSED);
});

test('a deleted account is gone on all devices, and what it has said stays', async () => {
  const [ann, ben] = await two();
  const phone = await again(ann, { viewport: { width: 390, height: 720 } });
  const sessions = await open(ann);
  await sessions.getByRole('button', { name: 'Delete the account…' }).click();
  const question = ann.page.getByRole('dialog', { name: 'Delete your account?' });
  await question.getByLabel('Your password').fill('not my password');
  await question.getByRole('button', { name: 'Delete', exact: true }).click();
  await question.getByText(/^Not deleted: /).waitFor();
  await ann.shot('delete-account');
  await question.getByLabel('Your password').fill(PASSWORD);
  await question.getByRole('button', { name: 'Delete', exact: true }).click();
  await out(ann, 'Your account is deleted.');
  await out(phone);
  await ben.sees('Good morning');
  await eventually(async () => {
    await ben.page.reload();
    await ben.sees('Good morning');
    return /deleted user/i.test((await ben.page.locator('.conversation h2').textContent()) ?? '');
  }, true);
  // Nobody is there any more to whom something could be shown.
  await ben.page.getByText('This account is deleted.').waitFor();
  const said = ben.message('Good morning');
  await said.hover();
  await said.getByRole('button', { name: 'Hide from me' }).waitFor();
  for (const name of ['Reply', 'React', 'Pin'])
    assert.equal(await said.getByRole('button', { name, exact: true }).count(), 0, name);
  await ann.page.getByLabel('Username').fill(ann.username);
  await ann.page.getByLabel('Password').fill(PASSWORD);
  await ann.page.getByRole('button', { name: 'Sign in' }).click();
  await ann.page.getByRole('alert').filter({ hasText: /\S/ }).waitFor();
  for (const person of [ann, ben, phone]) await person.leave(REFUSED);
});
