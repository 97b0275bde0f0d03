import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readMarkup, safeAddress, type Piece } from '../src/chat/markup.ts';

/** Pieces in short: `em(a b)`, `link(address)`. */
const short = (pieces: readonly Piece[]): string =>
  pieces
    .map(piece => {
      if ('pieces' in piece) return `${piece.kind}(${short(piece.pieces)})`;
      if (piece.kind === 'text') return piece.text;
      return `${piece.kind}(${piece.kind === 'link' ? piece.href : piece.text})`;
    })
    .join('');

const read = (text: string): string => short(readMarkup(text));

/** Everything that is shown, without what made it so. */
const shown = (pieces: readonly Piece[]): string =>
  pieces.map(piece => ('pieces' in piece ? shown(piece.pieces) : piece.text)).join('');

test('emphasis stands around words, in one line', () => {
  for (const [text, expected] of [
    ['a **bold** word', 'a strong(bold) word'],
    ['*so* and _so_', 'em(so) and em(so)'],
    ['~~gone~~', 'del(gone)'],
    ['***both***', 'strong(em(both))'],
    ['**outer *inner* outer**', 'strong(outer em(inner) outer)'],
    ['(*in brackets*), "_quoted_"!', '(em(in brackets)), "em(quoted)"!'],
    ['*a *b*', '*a em(b)'],
    ['**a *b** c*', 'strong(a *b) c*'],
    ['*über* **全文**', 'em(über) strong(全文)'],
  ] as const)
    assert.equal(read(text), expected);
});

test('what is no emphasis stays as it was written', () => {
  for (const text of [
    '2*3*4 = 24, 2 * 3 * 4',
    'snake_case_name and __init__',
    '* one\n* two',
    '*over\nlines*',
    '** not **',
    '****',
    '~one~ ~~~three~~~',
    '¯\\_(ツ)_/¯',
    '*',
    '',
    '  spaces   and\n\n\nlines  ',
    '# no heading\n> no quote\n1. no list',
  ])
    assert.equal(read(text), text);
});

test('code is shown as it is', () => {
  assert.equal(read('run `make *all*` now'), 'run code(make *all*) now');
  assert.equal(read('``a ` b`` and `c'), 'code(a ` b) and `c');
  assert.equal(read('`https://example.org`'), 'code(https://example.org)');
  assert.equal(read('**`x`**'), 'strong(code(x))');
  assert.equal(read('see\n```rust\nfn *main*() {\n\n}\n```\nthere'), 'seeblock(fn *main*() {\n\n})there');
  assert.equal(read('```\n```'), 'block()');
  assert.equal(read('```\nnever closed'), '```\nnever closed');
  assert.equal(read('```\na\n```rust\nb\n```'), 'block(a\n```rust\nb)');
});

test('addresses are links, and end where the sentence goes on', () => {
  for (const [text, expected] of [
    ['see https://example.org/a_b_c?x=*1*.', 'see link(https://example.org/a_b_c?x=*1*).'],
    ['(http://example.org/a(b))', '(link(http://example.org/a(b)))'],
    ['**https://example.org**', 'strong(link(https://example.org/))'],
    ['www.example.org/x, or so', 'link(https://www.example.org/x), or so'],
    ['ann@example.org', 'link(mailto:ann@example.org)'],
    ['*ann@example.org* and **@example.org**', 'em(link(mailto:ann@example.org)) and strong(@example.org)'],
    ['http://localhost:8080/#a', 'link(http://localhost:8080/#a)'],
    ['https://例え.jp/全文', 'link(https://xn--r8jz45g.jp/%E5%85%A8%E6%96%87)'],
  ] as const)
    assert.equal(read(text), expected);
  for (const text of [
    'main.rs and README.md',
    'example.org',
    'a.b',
    '//example.org',
    '1.2.3.4',
    'www.',
    'http://',
  ])
    assert.equal(read(text), text);
});

test('a link leads where it says, and nowhere else', () => {
  for (const text of [
    'javascript:alert(1)',
    'JaVaScRiPt:alert(1)',
    'java\nscript:alert(1)',
    'data:text/html,<script>alert(1)</script>',
    'vbscript:x',
    'file:///etc/passwd',
    'ftp://example.org/',
    'javascript://example.org/%0aalert(1)',
    '[click](javascript:alert(1))',
    '<a href="javascript:alert(1)">x</a>',
    '![x](x)',
    '<img src=x onerror=alert(1)>',
    'https://bank.example@elsewhere.example/',
  ]) {
    const pieces = readMarkup(text);
    assert.ok(!JSON.stringify(pieces).includes('"href"'), text);
    assert.equal(shown(pieces), text);
  }
  assert.equal(read('blob:https://example.org/'), 'blob:link(https://example.org/)');
  for (const address of [
    'javascript:alert(1)',
    ' javascript:alert(1)',
    'java\tscript:alert(1)',
    'https://bank.example@elsewhere.example/',
    'https://example.org/\u202egpj.exe',
    'no address',
    '/relative',
  ])
    assert.equal(safeAddress(address), null, address);
  assert.equal(safeAddress('https://example.org'), 'https://example.org/');
});

test('whoever is mentioned is marked, and nobody else', () => {
  const mentioned = new Map([
    ['ann', '1'],
    ['ben.k', '2'],
  ]);
  const marked = (text: string): string => short(readMarkup(text, mentioned));
  assert.equal(marked('@ann, @Ben.K. and @carol'), 'mention(@ann), mention(@Ben.K). and @carol');
  assert.equal(marked('*@ann*: x@ann.example'), 'em(mention(@ann)): link(mailto:x@ann.example)');
  assert.equal(marked('`@ann` @annabel @@ann'), 'code(@ann) @annabel @@ann');
});

test('whatever is written, it is shown whole and within a bounded time', () => {
  const marks = [
    '*',
    '**',
    '***',
    '_',
    '~~',
    '`',
    '``',
    '\n',
    ' ',
    'a',
    '@ann',
    'https://a.b/',
    '(',
    '<',
    '[',
    '```\n',
    'é',
    '\u202e',
  ];
  // The same texts at each run.
  let seed = 7;
  const random = (below: number): number => (seed = (seed * 48_271) % 2_147_483_647) % below;
  const mentioned = new Map([['ann', '1']]);
  for (let i = 0; i < 3_000; i++) {
    const text = Array.from({ length: random(24) }, () => marks[random(marks.length)]).join('');
    const pieces = readMarkup(text, mentioned);
    // What kind of code it is, is not shown.
    if (/^```[^`\n]+$/m.test(text)) continue;
    const bare = (all: string): string => all.replace(/[*_~`\n]/g, '');
    assert.equal(bare(shown(pieces)), bare(text));
  }
  const long = [
    '*a '.repeat(6_000),
    '**'.repeat(9_000),
    '*a*'.repeat(6_000),
    '`'.repeat(19_000),
    Array.from({ length: 190 }, (_, i) => '`'.repeat(i)).join(' '),
    '_*'.repeat(9_000) + 'a' + '*_'.repeat(500),
    'http://'.repeat(2_500),
    'http://a.'.repeat(2_000),
    `http://${'a.'.repeat(9_000)}`,
    `https://example.org/${'('.repeat(18_000)}`,
    'www.'.repeat(4_900),
    'a@'.repeat(9_000),
    'a.'.repeat(9_000) + '@',
    '@ann'.repeat(4_900),
    '```\n'.repeat(4_900),
    'x'.repeat(1_000_000),
  ];
  const begun = performance.now();
  for (const text of long) readMarkup(text, mentioned);
  const took = performance.now() - begun;
  assert.ok(took < 60_000, `${took} ms`);
});
