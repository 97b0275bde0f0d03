// What a message says, with its links, emphasis, code and the people it mentions.
import { memo } from 'preact/compat';
import { readMarkup, type Piece } from '../markup.ts';
import { byName, EVERYONE } from '../nouns/mention.ts';
import type { Known } from '../store.ts';

interface Props {
  text: string;
  /** Ids of those whom it mentions. */
  mentions?: readonly string[];
  /** Whether it mentions all members. */
  everyone?: boolean;
  known?: Known;
}

const isSame = (before: Props, after: Props): boolean =>
  before.text === after.text &&
  before.mentions === after.mentions &&
  before.everyone === after.everyone &&
  (!after.mentions?.length || before.known?.people === after.known?.people);

export const Text = memo(function Text({ text, mentions = [], everyone = false, known }: Props) {
  const people = mentions.flatMap(id => known?.people.get(id) ?? []);
  const mentioned = byName(everyone ? [...people, EVERYONE] : people);
  const draw = (piece: Piece) => {
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
        return (
          <span
            class={[known?.me, EVERYONE.id].includes(piece.user) ? 'mention own' : 'mention'}
            title={known?.people.get(piece.user)?.displayName}
          >
            {piece.text}
          </span>
        );
      case 'strong':
        return <strong>{piece.pieces.map(draw)}</strong>;
      case 'em':
        return <em>{piece.pieces.map(draw)}</em>;
      case 'del':
        return <del>{piece.pieces.map(draw)}</del>;
    }
  };
  return (
    <span class="text" dir="auto">
      {readMarkup(text, mentioned).map(draw)}
    </span>
  );
}, isSame);
