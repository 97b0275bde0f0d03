// What people hide from themselves, and nobody else.
import { test } from 'node:test';
import { eventually, type Person } from './person.ts';
import { stage } from './stage.ts';

const { again, two } = stage();

const preview = async (person: Person): Promise<string | null> =>
  person.item('Ann').locator('.item-preview').textContent();

test('a message that is hidden is gone on all devices of one person, and there for the other', async () => {
  const [ann, ben] = await two();
  const phone = await again(ben, { viewport: { width: 390, height: 720 }, colorScheme: 'dark' });
  await phone.choose('Ann');
  await ann.say('Look away', 'It rains');
  for (const device of [ben, phone]) await device.sees('It rains');
  await ben.message('Look away').hover();
  await ben.message('Look away').getByRole('button', { name: 'Hide from me' }).click();
  const question = ben.page.getByRole('dialog', { name: 'Hide this message?' });
  await ben.shot('hide');
  await question.getByRole('button', { name: 'Hide' }).click();
  for (const device of [ben, phone]) await eventually(() => device.texts(), ['Good morning', 'It rains']);
  // By keys, and what is the last message is another one.
  await ben.message('It rains').focus();
  await ben.page.keyboard.press('x');
  await question.getByRole('button', { name: 'Hide' }).click();
  for (const device of [ben, phone]) await eventually(() => device.texts(), ['Good morning']);
  await eventually(() => preview(ben), 'Good morning');
  await eventually(
    () => ben.message('Good morning').evaluate(message => message === document.activeElement),
    true,
  );
  await ben.page.reload();
  await ben.sees('Good morning');
  await eventually(() => ben.texts(), ['Good morning']);
  await eventually(() => ann.texts(), ['Good morning', 'Look away', 'It rains']);
  await ann.say('Still here');
  await ben.sees('Still here');
  for (const person of [ann, ben, phone]) await person.leave();
});

test('a conversation that is cleared begins behind that, on every device, and goes on', async () => {
  const [ann, ben] = await two();
  await ann.say('one', 'two');
  await ben.sees('two');
  await ben.page.getByRole('button', { name: 'More' }).click();
  await ben.page.getByRole('menuitem', { name: 'Clear for me' }).click();
  await ben.page
    .getByRole('dialog', { name: 'Clear this conversation?' })
    .getByRole('button', { name: 'Clear' })
    .click();
  await eventually(() => ben.texts(), []);
  await ben.shot('cleared');
  await ann.say('three');
  await eventually(() => ben.texts(), ['three']);
  const phone = await again(ben, { viewport: { width: 390, height: 720 } });
  await phone.choose('Ann');
  // A device that is new is told by the read models alone, which may lag.
  const opened = async (): Promise<string[]> => {
    await phone.page.reload();
    await phone.sees('three');
    return phone.texts();
  };
  await eventually(opened, ['three']);
  await ben.page.reload();
  await eventually(() => ben.texts(), ['three']);
  await eventually(() => ann.texts(), ['Good morning', 'one', 'two', 'three']);
  for (const person of [ann, ben, phone]) await person.leave();
});
