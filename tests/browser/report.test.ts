// Telling moderators what is wrong with a message.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stage } from './stage.ts';

const { two } = stage();

test('a message of somebody else is reported, with a reason, and nobody is told here', async () => {
  const [ann, ben] = await two({}, { viewport: { width: 390, height: 720 }, colorScheme: 'dark' });
  await ben.message('Good morning').focus();
  await ben.page.keyboard.press('!');
  const dialog = ben.page.getByRole('dialog', { name: 'Report this message?' });
  await dialog.getByLabel('Something else').check();
  await dialog.getByLabel('In a few words').fill('It is evening');
  await dialog.getByLabel('Note').fill('Look at the clock.');
  await ben.shot('report-narrow');
  await dialog.getByRole('button', { name: 'Report', exact: true }).click();
  await dialog.getByText('It is reported: moderators will look at it.').waitFor();
  await dialog.getByRole('button', { name: 'Close' }).click();
  await dialog.waitFor({ state: 'detached' });
  // Nobody reports what they have said themselves.
  await ann.message('Good morning').hover();
  await ann.message('Good morning').getByRole('button', { name: 'React' }).waitFor();
  assert.equal(await ann.message('Good morning').getByRole('button', { name: 'Report' }).count(), 0);
  for (const person of [ann, ben]) await person.leave();
});
