// What people mark for themselves: muted, put away, shown as unread; on all their devices.
import { test } from 'node:test';
import { eventually, type Person } from './person.ts';
import { stage } from './stage.ts';

const { again, registered, two } = stage();

/** Opens the menu, which takes the focus when it is there. */
async function open(person: Person): Promise<void> {
  await person.page.getByRole('button', { name: 'More' }).click();
  const first = person.page.getByRole('menuitem').first();
  await eventually(() => first.evaluate(item => item === document.activeElement), true);
}

async function act(person: Person, name: string): Promise<void> {
  await open(person);
  await person.page.getByRole('menuitem', { name, exact: true }).click();
  await person.page.getByRole('menu').waitFor({ state: 'detached' });
}

test('a muted conversation counts on quietly, here and on other devices', async () => {
  const [ann, ben] = await two();
  const phone = await again(ben, { viewport: { width: 390, height: 720 }, colorScheme: 'dark' });
  await open(ben);
  await ben.shot('more');
  await ben.page.keyboard.press('Escape');
  await ben.page.getByRole('menu').waitFor({ state: 'detached' });
  await act(ben, 'Mute for an hour');
  for (const device of [ben, phone]) await device.item('Ann').getByLabel('muted').waitFor();
  await ben.turnAway();
  await ann.say('one', 'two');
  for (const device of [ben, phone]) {
    await device.item('Ann').getByLabel('2 unread').waitFor();
    await eventually(() => device.page.title(), 'Tidings');
  }
  await phone.shot('muted-narrow');
  await ben.page.reload();
  await ben.item('Ann').getByLabel('muted').waitFor();
  await ben.choose('Ann');
  await act(ben, 'Unmute');
  await phone.item('Ann').getByLabel('muted').waitFor({ state: 'detached' });
  for (const person of [ann, ben, phone]) await person.leave();
});

test('what is put away comes back with the next message', async () => {
  const [ann, ben] = await two();
  const cleo = await registered('Cleo');
  await ben.openDirect(cleo);
  await ben.choose('Ann');
  await act(ben, 'Archive');
  await ben.page.getByText('Archive (1)').click();
  await ben.page.locator('.archive').getByText('Ann', { exact: true }).waitFor();
  await ben.shot('archive');
  await ben.page.reload();
  await ben.page.getByText('Archive (1)').waitFor();
  await ann.say('Are you there?');
  await ben.page.getByText('Archive (1)').waitFor({ state: 'detached' });
  await ben.item('Ann').waitFor();
  for (const person of [ann, ben, cleo]) await person.leave();
});

test('a conversation that is marked as unread is read when it is opened again, on every device', async () => {
  const [ann, ben] = await two();
  const phone = await again(ben, { viewport: { width: 390, height: 720 } });
  await act(ben, 'Mark as unread');
  for (const device of [ben, phone]) await device.item('Ann').getByLabel('marked as unread').waitFor();
  await phone.shot('marked-narrow');
  await ben.page.reload();
  await ben.item('Ann').getByLabel('marked as unread').waitFor();
  await phone.choose('Ann');
  await ben.item('Ann').getByLabel('marked as unread').waitFor({ state: 'detached' });
  await ben.page.reload();
  await ben.item('Ann').waitFor();
  await ben.item('Ann').getByLabel('marked as unread').waitFor({ state: 'detached' });
  for (const person of [ann, ben, phone]) await person.leave();
});
