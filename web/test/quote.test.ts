// What is said of a message where it is answered.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { quoted, WITHHELD } from '../src/chat/nouns/message.ts';
import { time } from './events.ts';

test('a quote says what became of its message, whether an event or an answer tells of it first', () => {
  const quote = { text: 'first', editedAt: null, recalled: false, withheld: false };
  const edit = { content: { kind: 'text', text: 'second' }, at: time(5) } as const;
  assert.equal(quoted(quote, undefined).text, 'first');
  assert.equal(quoted(quote, { edit }).text, 'second');
  assert.equal(quoted({ ...quote, text: 'third', editedAt: time(6) }, { edit }).text, 'third');
  assert.equal(quoted(quote, { edit, recalled: true }).text, 'Message recalled');
  assert.equal(
    quoted({ ...quote, text: 'Message recalled', recalled: true }, { edit }).text,
    'Message recalled',
  );
  assert.equal(quoted(quote, { edit, withheld: true }).text, WITHHELD);
  assert.equal(quoted({ ...quote, withheld: true }, undefined).text, WITHHELD);
  assert.equal(quoted(quote, { withheld: false }).text, 'first');
  assert.equal(quoted(quote, { withheld: true, recalled: true }).text, 'Message recalled');
});
