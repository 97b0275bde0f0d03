// What a message says, with its links, emphasis and code.
import { memo } from 'preact/compat';
import { readMarkup, type Piece } from '../markup.ts';

export const Text = memo(({ text }: { text: string }) => (
  <span class="text" dir="auto">
    {readMarkup(text).map(draw)}
  </span>
));

function draw(piece: Piece) {
  switch (piece.kind) {
    case 'text':
      return piece.text;
    case 'link':
      return (
        <a href={piece.href} title={piece.href} target="_blank" rel="noopener noreferrer nofollow">
          {piece.text}
        </a>
      );
    case 'code':
      return <code>{piece.text}</code>;
    case 'block':
      return <code class="block">{piece.text}</code>;
    case 'mention':
      return <span class="mention">{piece.text}</span>;
    case 'strong':
      return <strong>{piece.pieces.map(draw)}</strong>;
    case 'em':
      return <em>{piece.pieces.map(draw)}</em>;
    case 'del':
      return <del>{piece.pieces.map(draw)}</del>;
  }
}
