// Answers: what they answer is shown with them, and found from them however long ago it was said.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Locator } from 'playwright-core';
import { flood } from './flood.ts';
import { eventually, type Person } from './person.ts';
import { stage } from './stage.ts';

const { two } = stage();

const hasFocus = (element: Locator): Promise<boolean> =>
  element.evaluate(one => one === document.activeElement);

/** Whether it is in view within the list of messages. */
const inView = (message: Locator): Promise<boolean> =>
  message.evaluate(one => {
    const [row, list] = [one.getBoundingClientRect(), one.closest('.messages')!.getBoundingClientRect()];
    return row.top >= list.top && row.bottom <= list.bottom;
  });

const quotes = (person: Person): Promise<string[]> =>
  person.page.locator('.messages .quote').allTextContents();

test('an answer shows what it answers, by pointer or keys', async () => {
  const [ann, ben] = await two();
  const asked = ben.message('Good morning');
  await asked.hover();
  await asked.getByRole('button', { name: 'Reply', exact: true }).click();
  await ben.page.locator('.answering').getByText('Reply to Ann').waitFor();
  await eventually(() => hasFocus(ben.field), true);
  await ben.shot('answering');
  await ben.field.pressSequentially('And to you');
  await ben.page.keyboard.press('Enter');
  for (const person of [ann, ben]) await person.sees('And to you');
  await eventually(() => quotes(ann), ['YouGood morning']);
  await eventually(() => quotes(ben), ['AnnGood morning']);
  await ben.page.locator('.answering').waitFor({ state: 'detached' });
  // By keys, and given up.
  await ann.message('And to you').focus();
  await ann.page.keyboard.press('a');
  await ann.page.locator('.answering').getByText('Reply to Ben').waitFor();
  await eventually(() => hasFocus(ann.field), true);
  await ann.page.keyboard.press('Escape');
  await ann.page.locator('.answering').waitFor({ state: 'detached' });
  await ann.say('It rains');
  await ben.sees('It rains');
  assert.equal((await quotes(ben)).length, 1);
  // What is recalled is not quoted any more.
  await ann.message('Good morning').hover();
  await ann.message('Good morning').getByRole('button', { name: 'Recall' }).click();
  await ann.page.getByRole('dialog').getByRole('button', { name: 'Recall' }).click();
  await eventually(() => quotes(ben), ['AnnMessage recalled']);
  await ann.shot('quote');
  await ann.leave();
  await ben.leave();
});

test('what was said long ago is found from its answer, as it reads now, and the way back is short', async () => {
  const [ann, ben] = await two({}, { colorScheme: 'dark', viewport: { width: 390, height: 720 } });
  await ben.message('Good morning').focus();
  await ben.page.keyboard.press('a');
  await flood(ann, 400);
  await ben.sees('message 400');
  await ben.field.fill('Late, but: good morning');
  await ben.field.press('Enter');
  await ann.page.reload();
  await ann.sees('Late, but: good morning');
  // It is not loaded, and yet known.
  assert.equal(await ann.message('Good morning').count(), 0);
  await eventually(() => quotes(ann), ['YouGood morning']);
  await ann.page.locator('.messages .quote').click();
  const first = ann.message('Good morning');
  await first.waitFor();
  await eventually(() => hasFocus(first), true);
  await eventually(() => inView(first), true);
  assert.equal(await ann.message('message 400').count(), 0);
  await ann.shot('found');
  // It is edited from here, which the other sees who comes to it later.
  await ann.page.keyboard.press('e');
  await ann.page.getByRole('textbox', { name: 'Edit message' }).fill('A very good morning');
  await ann.page.keyboard.press('Enter');
  await ann.message('A very good morning').getByRole('button', { name: 'edited' }).waitFor();
  await ann.message('A very good morning').hover();
  await ann.message('A very good morning').getByRole('button', { name: 'React' }).click();
  await ann.page.getByRole('button', { name: 'thumbs up' }).click();
  await ann.message('A very good morning').locator('.reaction').waitFor();
  // What comes meanwhile is counted, and moves nothing.
  await ben.page.reload();
  await ben.sees('Late, but: good morning');
  await eventually(() => quotes(ben), ['AnnA very good morning']);
  await ben.page.locator('.messages .quote').click();
  await ben.sees('A very good morning');
  await eventually(() => ben.message('A very good morning').locator('.reaction').allTextContents(), ['👍 1']);
  await eventually(() => inView(ben.message('A very good morning')), true);
  await ben.shot('found-narrow');
  await ben.say('Here I am');
  await ann.page.getByRole('button', { name: '1 new ↓' }).click();
  await ann.sees('Here I am');
  await eventually(() => inView(ann.message('Here I am')), true);
  // Scrolling leads there as well.
  await ann.page.locator('.messages .quote').click();
  await ann.sees('A very good morning');
  const list = ann.page.locator('.messages');
  await eventually(async () => {
    await list.evaluate(element => (element.scrollTop = element.scrollHeight));
    return ann.message('Here I am').count();
  }, 1);
  const shown = (await ann.texts())
    .filter(text => text.startsWith('message '))
    .map(text => Number(text.slice(8)));
  assert.deepEqual(
    shown,
    shown.map((_, i) => shown[0]! + i),
  );
  await ann.leave();
  await ben.leave();
});

test('what is found late does not take the focus from where somebody writes', async () => {
  const [ann, ben] = await two();
  await ben.message('Good morning').focus();
  await ben.page.keyboard.press('a');
  await flood(ann, 400);
  await ben.sees('message 400');
  await ben.field.fill('Late, but: good morning');
  await ben.field.press('Enter');
  /** Pages of history that have not come to Ann yet. */
  const held: (() => void)[] = [];
  let holding = false;
  await ann.page.routeWebSocket(/\/ws$/, page => {
    const server = page.connectToServer();
    server.onMessage(frame => {
      const pass = (): void => page.send(frame);
      if (holding && String(frame).includes('"type":"events"')) held.push(pass);
      else pass();
    });
  });
  await ann.page.reload();
  await ann.sees('Late, but: good morning');
  await eventually(() => quotes(ann), ['YouGood morning']);
  holding = true;
  await ann.page.locator('.messages .quote').click();
  await eventually(async () => held.length, 1);
  await ann.field.fill('By the way');
  holding = false;
  for (const pass of held) pass();
  await ann.page.locator('.message.found').filter({ hasText: 'Good morning' }).waitFor();
  await eventually(() => inView(ann.message('Good morning')), true);
  assert.ok(await hasFocus(ann.field));
  await ann.page.keyboard.type(', hello');
  assert.equal(await ann.field.inputValue(), 'By the way, hello');
  await ann.leave();
  await ben.leave();
});
