// Asking again where read models lag.
import assert from 'node:assert/strict';
import { mock, test, type TestContext } from 'node:test';
import { again, keepAsking, later, PATIENCE_MS } from '../src/chat/again.ts';
import { settle } from './browser.ts';

/** Time passes, half a second at a time. */
function timers(context: TestContext): (ms: number) => Promise<void> {
  mock.timers.enable({ apis: ['setTimeout', 'setInterval'] });
  context.after(() => mock.timers.reset());
  return async ms => {
    await settle();
    for (let left = ms; left > 0; left -= 500) {
      mock.timers.tick(500);
      await settle();
    }
  };
}

test('what read models tell within three quarters of a minute is had', async context => {
  const pass = timers(context);
  let knows = false;
  const told = again(
    async () => (knows ? 'it' : null),
    () => false,
  );
  await pass(PATIENCE_MS - 1_000);
  knows = true;
  await pass(1_000);
  assert.equal(await told, 'it');
});

test('what they never tell is given up, and what is known already is asked for later', async context => {
  const pass = timers(context);
  let asked = 0;
  const ask = async (): Promise<null> => {
    asked += 1;
    return null;
  };
  const given = later(ask, () => false);
  await settle();
  assert.equal(asked, 0);
  await pass(PATIENCE_MS);
  assert.deepEqual([await given, asked], [null, 4]);
});

test('nobody waits for what is over', async context => {
  const pass = timers(context);
  let over = false;
  let asked = 0;
  const told = again(
    async () => {
      asked += 1;
      return null;
    },
    () => over,
  );
  await pass(6_000);
  over = true;
  await pass(500);
  assert.deepEqual([await told, asked], [null, 3]);
});

test('what has had no answer is asked for until there is one, and then some times more', async context => {
  const pass = timers(context);
  const taken: number[] = [];
  let asked = 0;
  const done = keepAsking(
    async () => {
      asked += 1;
      if (asked < 3) throw new Error('busy');
      return asked;
    },
    found => void taken.push(found),
    () => false,
  );
  await pass(10_000 + PATIENCE_MS);
  await done;
  assert.deepEqual(taken, [3, 4, 5, 6, 7]);
});
