// What people write, read for links, emphasis and code. What comes out is a tree of texts for the views to draw:
// nothing is ever made into HTML, so that the worst that a text can do is to be shown as it is.
import { LinkifyIt } from 'linkify-it';

export type Piece =
  | { kind: 'text' | 'code' | 'block'; text: string }
  | { kind: 'link'; text: string; href: string }
  | { kind: 'mention'; text: string; user: string }
  | { kind: 'strong' | 'em' | 'del'; pieces: Piece[] };

/** Beyond this, a text is only shown. Servers take less by far unless told otherwise. */
const READ_MAX = 20_000;
/** Schemes that a link may lead to. Everything else stays text. */
const SCHEMES = ['http:', 'https:', 'mailto:'];
/** Turns the line around, so that an address is not read as it is written. */
const TURNS = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/;

/** Names without a scheme are no links: `main.rs` and `README.md` would be. */
const links = new LinkifyIt({ fuzzyEmail: true })
  .add('ftp:')
  .add('//')
  .add('www.', {
    validate(text, at) {
      behindWww.lastIndex = at;
      return behindWww.exec(text)?.[0].length ?? 0;
    },
    normalize: match => (match.url = `https://${match.url}`),
  });

const { re } = links;
const behindWww = new RegExp(re.get_fuzzy_url_host_port().source + re.get_path().source, 'iy');

/** A text as it is to be drawn. `mentioned`: ids of those whom it mentions, by their usernames in lower case. */
export function readMarkup(text: string, mentioned: ReadonlyMap<string, string> = new Map()): Piece[] {
  if (text.length > READ_MAX) return [{ kind: 'text', text }];
  const pieces: Piece[] = [];
  for (const block of blocks(text)) {
    if (block.kind === 'block') pieces.push(block);
    else pieces.push(...emphasised(atoms(block.text, mentioned)));
  }
  return pieces;
}

/** Where a link leads to, if a page may go there. */
export function safeAddress(address: string): string | null {
  if (TURNS.test(address) || !URL.canParse(address)) return null;
  const { protocol, username, password, href } = new URL(address);
  // `https://bank.example@elsewhere.example` is not what it seems.
  return SCHEMES.includes(protocol) && username === '' && password === '' ? href : null;
}

type Plain = { kind: 'text' | 'block'; text: string };

/** Lines between two lines that begin with three backticks are code, and all others are not. */
function blocks(text: string): Plain[] {
  const found: Plain[] = [];
  let from = 0;
  const fence = /^```[^`\n]*$/gm;
  for (let open = fence.exec(text); open; open = fence.exec(text)) {
    let close = fence.exec(text);
    while (close && close[0].trim() !== '```') close = fence.exec(text);
    if (!close) break;
    if (open.index > from)
      found.push({ kind: 'text', text: text.slice(from, open.index).replace(/\n$/, '') });
    found.push({
      kind: 'block',
      text: text.slice(open.index + open[0].length + 1, Math.max(0, close.index - 1)),
    });
    from = Math.min(text.length, close.index + close[0].length + 1);
  }
  if (from < text.length || found.length === 0) found.push({ kind: 'text', text: text.slice(from) });
  return found.filter(({ kind, text }) => kind === 'block' || text !== '');
}

/** A piece of text that is still to be read for emphasis, or one that stands by itself; and what stands around it. */
interface Atom {
  piece: Piece;
  before: string;
  after: string;
}

/** Finds code, then links and mentions in what is left. */
function atoms(text: string, mentioned: ReadonlyMap<string, string>): Atom[] {
  const found: { from: number; to: number; piece: Piece }[] = [];
  for (const part of code(text)) {
    if (part.piece.kind === 'code') found.push(part);
    else found.push(...linked(text.slice(part.from, part.to), part.from, mentioned));
  }
  return found.map(({ from, to, piece }) => ({
    piece,
    before: charBefore(text, from),
    after: text.charAt(to),
  }));
}

const charBefore = (text: string, at: number): string => (at > 0 ? text.charAt(at - 1) : '');

/** Code stands between two runs of equally many backticks. */
function code(text: string): { from: number; to: number; piece: Piece }[] {
  const runs = [...text.matchAll(/`+/g)].map(run => ({ at: run.index, length: run[0].length }));
  const next = new Map<number, number>();
  /** By run, the next one of the same length. */
  const closing: number[] = [];
  for (let i = runs.length - 1; i >= 0; i--) {
    const { length } = runs[i]!;
    closing[i] = next.get(length) ?? -1;
    next.set(length, i);
  }
  const parts: { from: number; to: number; piece: Piece }[] = [];
  let from = 0;
  const plain = (to: number): void => {
    if (to > from) parts.push({ from, to, piece: { kind: 'text', text: text.slice(from, to) } });
  };
  for (let i = 0; i < runs.length; i++) {
    const [open, close] = [runs[i]!, runs[closing[i]!]];
    if (!close) continue;
    plain(open.at);
    const inner = text.slice(open.at + open.length, close.at);
    from = close.at + close.length;
    parts.push({ from: open.at, to: from, piece: { kind: 'code', text: inner } });
    i = closing[i]!;
  }
  plain(text.length);
  return parts;
}

function linked(text: string, offset: number, mentioned: ReadonlyMap<string, string>) {
  const found: { from: number; to: number; piece: Piece }[] = [];
  let from = 0;
  const take = (at: number, piece: { kind: 'link' | 'mention' } & Piece): void => {
    if (at > from) found.push({ from: offset + from, to: offset + at, piece: plain(text.slice(from, at)) });
    from = at + piece.text.length;
    found.push({ from: offset + at, to: offset + from, piece });
  };
  const marks = [
    ...(links.match(text) ?? []).flatMap(({ index, lastIndex, raw }) => {
      // The name of an address may begin with emphasis.
      const marks = /^[*_~]+/.exec(raw)?.[0].length ?? 0;
      const at = index + marks;
      const written = raw.slice(marks);
      // Nothing of `https://bank.example@elsewhere.example` is an address.
      const isPart =
        written.startsWith('@') || charBefore(text, at) === '/' || text.charAt(lastIndex) === '@';
      const [link] = isPart ? [] : (links.match(written) ?? []);
      const href = link?.raw === written ? safeAddress(link.url) : null;
      return href === null ? [] : [{ at, piece: { kind: 'link', text: written, href } as const }];
    }),
    ...mentions(text, mentioned),
  ].sort((a, b) => a.at - b.at);
  for (const { at, piece } of marks) if (at >= from) take(at, piece);
  if (from < text.length || text === '') {
    found.push({ from: offset + from, to: offset + text.length, piece: plain(text.slice(from)) });
  }
  return found;
}

const plain = (text: string): Piece => ({ kind: 'text', text });

/** Names with an @ before them. A full stop behind one may be part of it. */
export function* mentions(text: string, mentioned: ReadonlyMap<string, string>) {
  if (mentioned.size === 0) return;
  for (const { index: at, 0: written } of text.matchAll(
    /(?<![\p{L}\p{N}_@.-])@[a-z0-9][a-z0-9_.-]{0,31}/giu,
  )) {
    for (let name = written.slice(1); name !== ''; name = /^(.*)[_.-]$/s.exec(name)?.[1] ?? '') {
      const user = mentioned.get(name.toLowerCase());
      if (user === undefined) continue;
      yield { at, piece: { kind: 'mention', text: `@${name}`, user } as const };
      break;
    }
  }
}

type Mark = '**' | '*' | '_' | '~~';
const MADE: Record<Mark, 'strong' | 'em' | 'del'> = { '**': 'strong', '*': 'em', _: 'em', '~~': 'del' };
const isWord = (character: string): boolean => /[\p{L}\p{N}_]/u.test(character);
const isSpace = (character: string): boolean => character === '' || /\s/.test(character);

/**
 * Reads texts for emphasis, in one pass. A mark opens before a word and closes behind one, never within, so that `2*3*4` and `snake_case`
 * stay; both stand in one line. Of marks of one kind the last one that opened is closed and those before it stay text, so that nothing
 * nests deeper than there are marks.
 */
function emphasised(given: readonly Atom[]): Piece[] {
  const out: Piece[] = [];
  const open = new Map<Mark, number>();
  for (const { piece, before, after } of given) {
    if (piece.kind !== 'text') {
      out.push(piece);
      continue;
    }
    const { text } = piece;
    let from = 0;
    for (const { index, 0: run } of text.matchAll(/\n|\*+|_+|~+/g)) {
      if (run === '\n') {
        open.clear();
        continue;
      }
      const end = index + run.length;
      const left = index > 0 ? text.charAt(index - 1) : before;
      const right = end < text.length ? text.charAt(end) : after;
      const opens = !isWord(left) && left !== '\\' && !isSpace(right);
      const closes = !isSpace(left) && !isWord(right);
      const marks = marksOf(run, closes && open.size > 0);
      if (marks.length === 0 || (!opens && !closes)) continue;
      if (index > from) out.push(plain(text.slice(from, index)));
      from = end;
      for (const mark of marks) put(out, open, mark, opens, closes);
    }
    if (from < text.length) out.push(plain(text.slice(from)));
  }
  return joined(out);
}

/** The marks of a run of equal characters: three asterisks are two kinds of emphasis, and what closes does so from within. */
function marksOf(run: string, closes: boolean): Mark[] {
  if (run === '***') return closes ? ['*', '**'] : ['**', '*'];
  return Object.hasOwn(MADE, run) ? [run as Mark] : [];
}

function put(out: Piece[], open: Map<Mark, number>, mark: Mark, opens: boolean, closes: boolean): void {
  const at = open.get(mark);
  if (closes && at !== undefined && at < out.length - 1) {
    const pieces = joined(out.splice(at).slice(1));
    out.push({ kind: MADE[mark], pieces });
    for (const [other, place] of open) if (place >= at) open.delete(other);
    return;
  }
  if (opens) open.set(mark, out.length);
  out.push(plain(mark));
}

/** Texts beside each other are one. */
function joined(pieces: readonly Piece[]): Piece[] {
  const out: Piece[] = [];
  for (const piece of pieces) {
    const last = out.at(-1);
    if (piece.kind === 'text' && last?.kind === 'text') out[out.length - 1] = plain(last.text + piece.text);
    else out.push(piece);
  }
  return out;
}
