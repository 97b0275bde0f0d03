import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CursorKeeper, deviceName, storedCursors } from '../src/chat/cursors.ts';
import { browser } from './browser.ts';

const nobody = () => ({ body: {} });

test('cursors are stored soon after they moved, and the furthest of all tabs counts', async () => {
  const page = browser(nobody);
  const one = new CursorKeeper('me');
  const other = new CursorKeeper('me');
  one.move('a', 5);
  one.move('b', 1);
  other.move('a', 9);
  await page.pass(1_000);
  one.move('a', 6);
  one.save();
  assert.deepEqual(storedCursors('me'), { a: 9, b: 1 });
  assert.deepEqual(storedCursors('somebody else'), {});
});

test('a log that went back takes the stored cursor with it', () => {
  browser(nobody);
  const keeper = new CursorKeeper('me');
  keeper.move('a', 90);
  keeper.save();
  keeper.rewind('a', 7);
  keeper.save();
  assert.deepEqual(storedCursors('me'), { a: 7 });
  keeper.move('a', 8);
  keeper.save();
  assert.deepEqual(storedCursors('me'), { a: 8 });
});

test('what is stored and is no cursor is left out', () => {
  const page = browser(nobody);
  page.stored.set('tidings.cursors.me', '{"a":3,"b":"x","c":1.5,"d":null}');
  assert.deepEqual(storedCursors('me'), { a: 3 });
  page.stored.set('tidings.cursors.me', 'no JSON');
  assert.deepEqual(storedCursors('me'), {});
});

test('a device keeps its name, and has one where nothing can be stored', () => {
  browser(nobody);
  let made = 0;
  const make = (): string => `name-${(made += 1)}`;
  assert.equal(deviceName(make), 'web-name-1');
  assert.equal(deviceName(make), 'web-name-1');
  browser(nobody, { blocked: true });
  assert.equal(deviceName(make), 'web-name-2');
  const keeper = new CursorKeeper('me');
  keeper.move('a', 1);
  keeper.save();
  assert.deepEqual(storedCursors('me'), {});
});
