import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Drafts } from '../src/chat/drafts.ts';
import * as storage from '../src/shared/storage.ts';
import { browser } from './browser.ts';

const KEY = 'tidings.drafts.ann';

test('a draft outlives the page, and an empty one does not', async () => {
  const page = browser(() => ({ body: {} }));
  const drafts = new Drafts('ann');
  drafts.keepText('c1', 'half a sen');
  drafts.keepText('c2', 'other');
  assert.ok(!page.stored.has(KEY));
  await page.pass(1_000);
  assert.equal(new Drafts('ann').text('c1'), 'half a sen');
  assert.equal(new Drafts('ben').text('c1'), '');
  drafts.keepText('c1', '');
  drafts.keepText('c2', '');
  drafts.stop();
  assert.ok(!page.stored.has(KEY));
});

test('other tabs keep what they wrote in other conversations', async () => {
  const page = browser(() => ({ body: {} }));
  const [one, other] = [new Drafts('ann'), new Drafts('ann')];
  one.keepText('c1', 'mine');
  other.keepText('c2', 'hers');
  await page.pass(1_000);
  assert.deepEqual([new Drafts('ann').text('c1'), new Drafts('ann').text('c2')], ['mine', 'hers']);
  page.dispatch('storage', { key: KEY });
  assert.deepEqual([one.text('c2'), other.text('c1')], ['hers', 'mine']);
});

test('so many are kept, and none that is too long for storage', async () => {
  const page = browser(() => ({ body: {} }));
  const drafts = new Drafts('ann');
  drafts.keepText('first', 'the oldest');
  for (let i = 0; i < 50; i++) {
    await page.pass(1_000);
    drafts.keepText(`c${i}`, `text ${i}`);
  }
  drafts.keepText('long', 'x'.repeat(20_000));
  drafts.stop();
  const again = new Drafts('ann');
  assert.deepEqual([again.text('first'), again.text('c49'), again.text('long')], ['', 'text 49', '']);
  // In this tab it is there all the same.
  assert.equal(drafts.text('long').length, 20_000);
});

test('whoever signs out leaves nothing behind, even of what was being written', async () => {
  const page = browser(() => ({ body: {} }));
  const drafts = new Drafts('ann');
  drafts.keepText('c1', 'a secret');
  await page.pass(1_000);
  drafts.keepText('c2', 'another');
  storage.forget('ann');
  drafts.forget();
  drafts.keepText('c3', 'too late');
  drafts.stop();
  await page.pass(1_000);
  assert.ok(!page.stored.has(KEY));
});

test('what cannot be read in the storage, or cannot be stored, hinders nobody', async () => {
  const page = browser(() => ({ body: {} }));
  for (const text of ['{', '[1]', '{"c1":7,"c2":{"text":5,"at":1},"c3":null}', '"x"', 'null']) {
    page.stored.set(KEY, text);
    assert.equal(new Drafts('ann').text('c1'), '');
  }
  browser(() => ({ body: {} }), { blocked: true });
  const drafts = new Drafts('ann');
  drafts.keepText('c1', 'still here');
  drafts.save();
  assert.equal(drafts.text('c1'), 'still here');
});
