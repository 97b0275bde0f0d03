import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Sequence } from '../src/protocol/sequence.ts';
import { CONVERSATION, said } from './events.ts';

const seqs = (accepted: { events: { seq: number }[] }): number[] => accepted.events.map(({ seq }) => seq);

test('the first event of a conversation sets its cursor', () => {
  const sequence = new Sequence();
  assert.deepEqual(seqs(sequence.accept(said(7))), [7]);
  assert.equal(sequence.cursor(CONVERSATION), 7);
});

test('what was seen is dropped', () => {
  const sequence = new Sequence();
  sequence.advance(CONVERSATION, 5);
  assert.deepEqual(seqs(sequence.accept(said(5))), []);
  assert.deepEqual(seqs(sequence.accept(said(6))), [6]);
  assert.deepEqual(seqs(sequence.accept(said(6))), []);
});

test('events behind a hole wait until it is filled', () => {
  const sequence = new Sequence();
  sequence.advance(CONVERSATION, 1);
  assert.equal(sequence.accept(said(4)).hole, true);
  assert.equal(sequence.accept(said(5)).hole, undefined, 'the hole is asked for once');
  assert.deepEqual(sequence.hole(CONVERSATION), { from: 2, to: 3 });
  assert.deepEqual(seqs(sequence.accept(said(2))), [2]);
  assert.deepEqual(sequence.hole(CONVERSATION), { from: 3, to: 3 });
  assert.deepEqual(seqs(sequence.accept(said(3))), [3, 4, 5]);
  assert.equal(sequence.hole(CONVERSATION), undefined);
});

test('a gap moves the cursor and frees what waits behind it', () => {
  const sequence = new Sequence();
  sequence.advance(CONVERSATION, 1);
  sequence.accept(said(3));
  sequence.accept(said(11));
  assert.deepEqual(seqs({ events: sequence.advance(CONVERSATION, 10) }), [11]);
  assert.equal(sequence.cursor(CONVERSATION), 11);
});

test('a cursor never moves back', () => {
  const sequence = new Sequence();
  sequence.advance(CONVERSATION, 9);
  sequence.advance(CONVERSATION, 3);
  assert.equal(sequence.cursor(CONVERSATION), 9);
});

test('what waits is bounded', () => {
  const sequence = new Sequence();
  sequence.advance(CONVERSATION, 0);
  let overrun = false;
  for (let seq = 2; seq < 2_000 && !overrun; seq++) overrun = sequence.accept(said(seq)).overrun === true;
  assert.ok(overrun);
});
