// Searching: words and filters, and the way to where something was said.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { flood } from './flood.ts';
import { eventually, type Person } from './person.ts';
import { stage } from './stage.ts';

const { registered, two } = stage();

const field = (person: Person) => person.page.getByRole('searchbox', { name: 'Search messages' });

const hits = (person: Person): Promise<string[]> => person.page.locator('.hits .snippet').allTextContents();

/** Looks until the words that were said are known to the search, which may lag. */
async function finds(person: Person, query: string, expected: string[]): Promise<void> {
  await eventually(async () => {
    // What was found before is not looked at.
    await field(person).fill('');
    await person.page.locator('.hits').waitFor({ state: 'detached' });
    await field(person).fill(query);
    await person.page.getByRole('search').getByText(/found/).waitFor();
    return hits(person);
  }, expected);
}

test('a message is found by its words and shown where it was said', async () => {
  const [ann, ben] = await two({}, { colorScheme: 'dark' });
  await ann.say('We meet at the old mill');
  await ben.sees('We meet at the old mill');
  await flood(ann, 300);
  await ben.sees('message 300');
  await ben.page.reload();
  await ben.sees('message 300');
  await ben.page.keyboard.press('Control+k');
  await eventually(() => field(ben).evaluate(input => input === document.activeElement), true);
  await ben.shot('search-help');
  await finds(ben, 'old mill', ['We meet at the old mill']);
  assert.deepEqual(await ben.page.locator('.hits mark').allTextContents(), ['old', 'mill']);
  await ben.shot('search');
  await ben.page.locator('.hits button').first().click();
  const said = ben.message('We meet at the old mill');
  await said.waitFor();
  await eventually(() => said.evaluate(one => one === document.activeElement), true);
  assert.equal(await ben.message('message 300').count(), 0);
  await ben.shot('search-found');
  await finds(ben, 'from:me mill', []);
  await finds(ben, 'from:me "good morning"', []);
  await ben.page.keyboard.press('Escape');
  await ben.page.getByRole('search').waitFor({ state: 'detached' });
  await eventually(
    () =>
      ben.page
        .getByRole('button', { name: 'Search' })
        .first()
        .evaluate(one => one === document.activeElement),
    true,
  );
  await ann.leave();
  await ben.leave();
});

test('one looks in one conversation or in all, and filters are explained', async () => {
  const ann = await registered('Ann');
  const ben = await registered('Ben', { viewport: { width: 390, height: 720 } });
  await ann.createGroup('Walkers', [ben]);
  await ann.say('Bread for the walk');
  await ann.openDirect(ben);
  await ann.say('Bread for you');
  await ben.page.locator('.item', { has: ben.page.getByText('Ann', { exact: true }) }).click();
  await ben.sees('Bread for you');
  // On a narrow screen the search takes the place of the conversation.
  await ben.page.getByRole('button', { name: 'Search' }).click();
  await finds(ben, 'bread', ['Bread for you', 'Bread for the walk']);
  await ben.shot('search-narrow');
  await ben.page.getByLabel('Only in Ann').check();
  await eventually(() => hits(ben), ['Bread for you']);
  await ben.page.getByLabel('Only in Ann').uncheck();
  await field(ben).fill('');
  await ben.page.getByRole('button', { name: 'Begin with from:' }).click();
  await eventually(() => field(ben).inputValue(), 'from:');
  await finds(ben, 'bread in:walkers', ['Bread for the walk']);
  await ben.page.locator('.hits button').click();
  await ben.page.getByRole('heading', { name: 'Walkers' }).waitFor();
  await ben.sees('Bread for the walk');
  await ben.page.getByRole('search').waitFor({ state: 'detached' });
  await ann.leave();
  await ben.leave();
});
