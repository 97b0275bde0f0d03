// How far messages have come: delivered, read, and by whom.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from './person.ts';
import { stage } from './stage.ts';

const { again, registered, two } = stage({ TIDINGS_GATEWAY__DELIVERED_MS: '500' });

test('a message is delivered before it is read, and both are known after a reload', async () => {
  const [ann, ben] = await two();
  await ben.turnAway();
  await ann.say('Are you there?');
  await ann.message('Are you there?').getByLabel('Delivered').waitFor();
  await ann.shot('delivered');
  await ben.choose('Ann');
  await ann.message('Are you there?').getByLabel('Read').waitFor();
  await ann.page.reload();
  await ann.message('Are you there?').getByLabel('Read').waitFor();
  await ann.message('Good morning').getByLabel('Read').waitFor();
  const phone = await again(ann, { viewport: { width: 390, height: 720 }, colorScheme: 'dark' });
  await phone.choose('Ben');
  await phone.message('Are you there?').getByLabel('Read').waitFor();
  await phone.shot('read-narrow');
  for (const person of [ann, ben, phone]) await person.leave();
});

test('whoever wrote a message to a group sees who has read it', async () => {
  const ann = await registered('Ann');
  const ben = await registered('Ben');
  const cleo = await registered('Cleo');
  await ann.createGroup('Walkers', [ben, cleo]);
  await ann.say('To the mill');
  await ben.choose('Walkers');
  await ben.sees('To the mill');
  await ann.message('To the mill').getByLabel('Read').waitFor();
  await ann.message('To the mill').focus();
  await ann.page.keyboard.press('s');
  const list = ann.page.getByRole('dialog', { name: 'Seen by' });
  await eventually(() => list.locator('li').allTextContents(), ['Ben has read it']);
  await ann.shot('seen-by');
  await list.getByRole('button', { name: 'Close' }).click();
  // Whoever did not write it is not asked.
  await ben.message('To the mill').hover();
  await ben.message('To the mill').getByRole('button', { name: 'React' }).waitFor();
  assert.equal(await ben.message('To the mill').getByRole('button', { name: 'Seen by' }).count(), 0);
  for (const person of [ann, ben, cleo]) await person.leave();
});
