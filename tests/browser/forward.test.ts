// What is said to everyone, and what is sent on.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from './person.ts';
import { stage } from './stage.ts';

const { registered } = stage();

test('the owner of a group mentions everyone, and others are not offered to', async () => {
  const ann = await registered('Ann');
  const ben = await registered('Ben', { colorScheme: 'dark' });
  await ann.createGroup('Walkers', [ben]);
  await ben.item('Walkers').waitFor();
  await ann.field.pressSequentially('@every');
  await ann.page.getByRole('listbox', { name: 'People' }).getByText('Everyone here').waitFor();
  await ann.page.keyboard.press('Enter');
  await eventually(() => ann.field.inputValue(), '@everyone ');
  await ann.field.pressSequentially('we leave at noon');
  await ann.page.keyboard.press('Enter');
  await ben.item('Walkers').getByLabel('1 mentions you').waitFor();
  await ben.choose('Walkers');
  await eventually(() => ben.page.locator('.mention.own').allTextContents(), ['@everyone']);
  await ben.shot('everyone-dark');
  await ben.field.pressSequentially('@');
  const list = ben.page.getByRole('listbox', { name: 'People' });
  await list.getByText('Ann', { exact: true }).waitFor();
  assert.equal(await list.getByText('Everyone here').count(), 0);
  await ann.leave();
  await ben.leave();
});

test('a message is sent on to another conversation, with the name of who said it first', async () => {
  const ann = await registered('Ann');
  const ben = await registered('Ben');
  const cleo = await registered('Cleo', { viewport: { width: 390, height: 720 } });
  await ann.createGroup('Walkers', [cleo]);
  await ann.openDirect(ben);
  await ben.choose('Ann');
  await ben.say('The **mill** is closed');
  const said = ann.page.locator('.message[data-seq]').filter({ hasText: 'is closed' });
  await said.waitFor();
  await said.focus();
  await ann.page.keyboard.press('f');
  const dialog = ann.page.getByRole('dialog', { name: 'Forward to' });
  await dialog.getByRole('searchbox').fill('walk');
  await ann.shot('forward');
  await dialog.getByRole('button', { name: 'Walkers' }).click();
  await dialog.waitFor({ state: 'detached' });
  await cleo.choose('Walkers');
  const copy = cleo.page.locator('.message[data-seq]').filter({ hasText: 'is closed' });
  await copy.getByText('Forwarded, first said by Ben').waitFor();
  await eventually(() => copy.locator('.text').textContent(), 'The mill is closed');
  await cleo.shot('forwarded-narrow');
  await ann.choose('Walkers');
  const own = ann.page.locator('.message[data-seq]').filter({ hasText: 'is closed' });
  await own.hover();
  await own.getByRole('button', { name: 'Recall' }).waitFor();
  assert.equal(await own.getByRole('button', { name: 'Edit', exact: true }).count(), 0);
  for (const person of [ann, ben, cleo]) await person.leave();
});
