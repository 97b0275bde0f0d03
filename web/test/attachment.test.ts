import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileName, fitted, refusal, sizeText } from '../src/chat/nouns/attachment.ts';

test('a file has a name that the server takes', () => {
  assert.equal(fileName('hill.png'), 'hill.png');
  assert.equal(fileName('C:\\Users\\ann\\hill.png'), 'hill.png');
  assert.equal(fileName('../../etc/passwd'), 'passwd');
  assert.equal(fileName('a\nb\u0000.txt'), 'ab.txt');
  assert.equal(fileName(''), 'file');
  const long = fileName(`${'é'.repeat(300)}.jpeg`);
  assert.equal(new TextEncoder().encode(long).length, 255);
  assert.match(long, /^é+\.jpeg$/);
  assert.equal(fileName(`${'🙂'.repeat(100)}`), '🙂'.repeat(63));
});

test('what is empty or too large is refused with a reason', () => {
  assert.equal(refusal({ size: 1 }, 'a', 10), null);
  assert.equal(refusal({ size: 10 }, 'a', 10), null);
  assert.equal(refusal({ size: 0 }, 'a', 10), '“a” is empty.');
  assert.equal(refusal({ size: 11 }, 'a', 10), '“a” is larger than 10 bytes.');
});

test('sizes are read by people', () => {
  const sizes = [0, 1, 999, 1_000, 1_024, 1_536, 32 * 2 ** 20, 5 * 2 ** 30];
  assert.deepEqual(sizes.map(sizeText), [
    '0 bytes',
    '1 byte',
    '999 bytes',
    '1 KB',
    '1 KB',
    '1.5 KB',
    '32 MB',
    '5 GB',
  ]);
});

test('a picture keeps its shape, and never grows', () => {
  assert.deepEqual(fitted(4_000, 3_000, 320), { width: 320, height: 240 });
  assert.deepEqual(fitted(10, 20, 320), { width: 10, height: 20 });
  assert.deepEqual(fitted(1, 100_000, 320), { width: 1, height: 320 });
});
