// What people write: links, emphasis and code.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from './person.ts';
import { stage } from './stage.ts';

const { two } = stage();

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
