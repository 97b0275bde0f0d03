import assert from 'node:assert/strict';
import { mock, test, type TestContext } from 'node:test';
import { Lookup } from '../src/chat/lookup.ts';
import { settle } from './browser.ts';

function timers(context: TestContext): (ms: number) => Promise<void> {
  mock.timers.enable({ apis: ['setTimeout'] });
  context.after(() => mock.timers.reset());
  return async ms => {
    mock.timers.tick(ms);
    await settle();
  };
}

test('what is asked for at one time is asked for together, each once', async context => {
  const pass = timers(context);
  const asked: (readonly string[])[] = [];
  const lookup = new Lookup<string>(async keys => {
    asked.push(keys);
    return new Map(keys.map(key => [key, key.toUpperCase()]));
  });
  const told: string[] = [];
  lookup.watch('a', () => told.push('a'));
  lookup.watch('b', () => told.push('b'));
  lookup.watch('a', () => told.push('again'));
  assert.equal(lookup.get('a'), undefined);
  await pass(20);
  assert.deepEqual(asked, [['a', 'b']]);
  assert.deepEqual(told, ['a', 'again', 'b']);
  assert.deepEqual([lookup.get('a'), lookup.get('b')], ['A', 'B']);
  lookup.watch('a', () => told.push('never'));
  await pass(60_000);
  assert.equal(asked.length, 1);
  lookup.again('a');
  await pass(20);
  assert.deepEqual(asked, [['a', 'b'], ['a']]);
});

test('what is not there yet is asked for again, and some time given up', async context => {
  const pass = timers(context);
  const there = new Map<string, string>();
  let asked = 0;
  const lookup = new Lookup<string>(async () => {
    asked += 1;
    if (asked === 1) throw new Error('no connection');
    return there;
  });
  lookup.watch('late', () => undefined);
  lookup.watch('never', () => undefined);
  await pass(20);
  await pass(1_000);
  await pass(20);
  assert.equal(lookup.get('late'), undefined);
  there.set('late', 'here');
  for (let i = 0; i < 12; i++) await pass(60_000);
  assert.deepEqual([lookup.get('late'), lookup.get('never')], ['here', null]);
  assert.ok(asked <= 9, String(asked));
});

test('without an answer it is asked for as long as somebody looks at it', async context => {
  const pass = timers(context);
  let asked = 0;
  let broken = true;
  const lookup = new Lookup<string>(async () => {
    asked += 1;
    if (broken) throw new Error('no connection');
    return new Map([['a', 'A']]);
  });
  const stop = lookup.watch('a', () => undefined);
  const minutes = async (count: number): Promise<void> => {
    for (let second = 0; second < count * 60; second++) await pass(1_000);
  };
  await minutes(10);
  assert.ok(asked > 10 && asked < 60, String(asked));
  stop();
  await minutes(1);
  const before = asked;
  await minutes(10);
  assert.equal(asked, before);
  lookup.watch('a', () => undefined);
  broken = false;
  await minutes(1);
  assert.equal(lookup.get('a'), 'A');
});

test('what was not there is asked for once more by whoever looks at it later', async context => {
  const pass = timers(context);
  const there = new Map<string, string>();
  const lookup = new Lookup<string>(async () => there);
  lookup.watch('a', () => undefined)();
  const stop = lookup.watch('a', () => undefined);
  for (let second = 0; second < 120; second++) await pass(1_000);
  assert.equal(lookup.get('a'), null);
  stop();
  there.set('a', 'A');
  lookup.watch('a', () => undefined);
  await pass(20);
  assert.equal(lookup.get('a'), 'A');
});

test('no more than two questions are under way, and the rest waits in order', async context => {
  const pass = timers(context);
  const asked: string[] = [];
  const answers: (() => void)[] = [];
  const lookup = new Lookup<number>(keys => {
    asked.push(keys[0]!);
    return new Promise((resolve, reject) =>
      answers.push(() =>
        keys[0] === '20' ? reject(new Error('busy')) : resolve(new Map(keys.map(key => [key, 1]))),
      ),
    );
  });
  for (let key = 0; key < 90; key++) lookup.watch(String(key), () => undefined);
  await pass(20);
  assert.deepEqual(asked, ['0', '20']);
  // One that fails makes room, too.
  answers[1]!();
  await settle();
  assert.deepEqual(asked, ['0', '20', '40']);
  answers[0]!();
  answers[2]!();
  await settle();
  assert.deepEqual(asked, ['0', '20', '40', '60', '80']);
  assert.deepEqual([lookup.get('59'), lookup.get('60')], [1, undefined]);
});

test('many are asked for in parts, and what nobody looks at is forgotten in the end', async context => {
  const pass = timers(context);
  let largest = 0;
  const lookup = new Lookup<number>(async keys => {
    largest = Math.max(largest, keys.length);
    return new Map(keys.map(key => [key, 1]));
  });
  const stops = Array.from({ length: 600 }, (_, i) => lookup.watch(String(i), () => undefined));
  await pass(20);
  for (let round = 0; round < 20; round++) await settle();
  assert.equal(largest, 20);
  assert.equal(lookup.get('0'), 1);
  for (const stop of stops) stop();
  lookup.watch('more', () => undefined);
  assert.deepEqual([lookup.get('0'), lookup.get('599')], [undefined, 1]);
});
