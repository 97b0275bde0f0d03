// What people write: links, emphasis, code and names; and what they have not finished.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from './person.ts';
import { stage } from './stage.ts';

const { registered, two } = stage();

test('links can be followed, and emphasis and code are shown', async () => {
  const [ann, ben] = await two({}, { colorScheme: 'dark' });
  await ann.say('Have a look at https://example.org/a_b_c, it is **really** *good*: `make run`');
  const said = ben.page.locator('.message[data-seq]').filter({ hasText: 'Have a look' });
  const link = said.getByRole('link', { name: 'https://example.org/a_b_c' });
  await link.waitFor();
  assert.equal(await link.getAttribute('href'), 'https://example.org/a_b_c');
  assert.equal(await link.getAttribute('rel'), 'noopener noreferrer nofollow');
  assert.equal(await said.locator('strong').textContent(), 'really');
  assert.equal(await said.locator('em').textContent(), 'good');
  assert.equal(await said.locator('code').textContent(), 'make run');
  await ann.say(
    '```\nfn main() {\n    println!("a long line of code that is wider than the screen of a phone is");\n}\n```',
  );
  await eventually(() => ben.page.locator('code.block').count(), 1);
  await ann.shot('markup-light');
  await ben.page.setViewportSize({ width: 390, height: 720 });
  await ben.shot('markup-dark-narrow');
  const [wide, seen] = await ben.page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
  assert.ok(wide! <= seen!, `the page is ${wide} wide on a screen of ${seen}`);
  await ann.leave();
  await ben.leave();
});

test('what is hostile is only shown', async () => {
  const [ann, ben] = await two();
  const texts = [
    'javascript:alert(1)',
    '[click](javascript:alert(document.domain))',
    '<a href="javascript:alert(1)">here</a>',
    'https://bank.example@elsewhere.example',
    '<svg/onload=alert(1)>',
    'data:text/html,<script>alert(1)</script>',
  ];
  await ann.say(...texts);
  await eventually(() => ben.texts(), ['Good morning', ...texts]);
  assert.equal(await ben.page.locator('.messages a[href]').count(), 0);
  assert.equal(await ben.page.locator('.messages svg').count(), 0);
  await ann.leave();
  await ben.leave();
});

test('what was not sent is there after a reload, in its conversation, and gone with the login', async () => {
  const ann = await registered('Ann');
  const ben = await registered('Ben');
  const cleo = await registered('Cleo');
  await ann.openDirect(cleo);
  await ann.openDirect(ben);
  await ann.field.fill('Half a sen');
  await ann.choose('Cleo');
  await eventually(() => ann.field.inputValue(), '');
  await eventually(
    async () => (await ann.item('Ben').locator('.item-preview').textContent()) ?? '',
    'Draft: Half a sen',
  );
  await ann.shot('draft');
  await ann.choose('Ben');
  await ann.page.reload();
  await eventually(() => ann.field.inputValue(), 'Half a sen');
  await ann.field.press('End');
  await ann.field.pressSequentially('tence');
  await ann.page.keyboard.press('Enter');
  await ann.sees('Half a sentence');
  await ann.page.reload();
  await ann.sees('Half a sentence');
  await eventually(() => ann.field.inputValue(), '');
  await ann.field.fill('A secret');
  await ann.page.getByRole('button', { name: 'Sign out' }).click();
  await ann.page.getByRole('button', { name: 'Sign in' }).waitFor();
  const left = await ann.page.evaluate(() => JSON.stringify({ ...localStorage }));
  assert.ok(!left.includes('secret'), left);
  await ann.signIn();
  await ann.choose('Ben');
  await eventually(() => ann.field.inputValue(), '');
  for (const person of [ann, ben, cleo]) await person.leave();
});

test('a name is completed by keys, and marks the message for whom it mentions', async () => {
  const ann = await registered('Ann');
  const ben = await registered('Ben', { colorScheme: 'dark' });
  const bea = await registered('Beatrix');
  await ann.createGroup('Walkers', [ben, bea]);
  await ann.field.pressSequentially('Hello @be');
  const list = ann.page.getByRole('listbox', { name: 'People' });
  await list.waitFor();
  const options = list.getByRole('option');
  await eventually(async () => (await options.allTextContents()).length, 2);
  const active = async (): Promise<string | null> => {
    const id = await ann.field.getAttribute('aria-activedescendant');
    return id === null ? null : ann.page.locator(`[id="${id}"] > span:nth-of-type(2)`).textContent();
  };
  await eventually(active, 'Beatrix');
  await ann.shot('mentions');
  await ann.page.keyboard.press('ArrowDown');
  await eventually(active, 'Ben');
  await ann.page.keyboard.press('Tab');
  await list.waitFor({ state: 'detached' });
  await eventually(() => ann.field.inputValue(), `Hello @${ben.username} `);
  await ann.field.pressSequentially('and @');
  await list.waitFor();
  await ann.page.keyboard.press('Escape');
  await list.waitFor({ state: 'detached' });
  await ann.page.keyboard.press('Backspace');
  await ann.field.pressSequentially('@bea');
  await list.getByText('Beatrix', { exact: true }).click();
  await ann.field.pressSequentially('are you there?');
  await ann.page.keyboard.press('Enter');
  await ben.item('Walkers').getByLabel('1 mentions you').waitFor();
  await ben.shot('mentioned-badge');
  for (const person of [ben, bea]) await person.choose('Walkers');
  await ben.item('Walkers').getByLabel('1 mentions you').waitFor({ state: 'detached' });
  const mentions = (of: typeof ann): Promise<string[]> =>
    of.page.locator('.messages .mention').allTextContents();
  for (const person of [ann, ben, bea]) {
    await eventually(() => mentions(person), [`@${ben.username}`, `@${bea.username}`]);
  }
  await eventually(() => ben.page.locator('.mention.own').allTextContents(), [`@${ben.username}`]);
  await ben.shot('mentioned-dark');
  for (const person of [ann, ben, bea]) await person.leave();
});
