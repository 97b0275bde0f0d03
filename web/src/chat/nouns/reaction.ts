// Reactions on the chat page.
import { amend } from '../fold.ts';
import type { Noun } from './noun.ts';

export const reaction: Noun<'reaction.changed'> = {
  'reaction.changed': {
    fold(into, { actor, data: { message, emoji, on } }) {
      amend(into, message, { reactions: new Map([[emoji, new Map([[actor, on]])]]) });
    },
  },
};

/** What the picker offers; anything else can be typed. */
export const OFFERED: readonly (readonly [emoji: string, name: string])[] = [
  ['👍', 'thumbs up'],
  ['👎', 'thumbs down'],
  ['❤️', 'heart'],
  ['😂', 'tears of joy'],
  ['🙂', 'smile'],
  ['😮', 'astonished'],
  ['😢', 'crying'],
  ['😡', 'angry'],
  ['🎉', 'party'],
  ['🙏', 'thanks'],
  ['👏', 'applause'],
  ['🔥', 'fire'],
  ['👀', 'eyes'],
  ['✅', 'done'],
  ['❌', 'no'],
  ['💯', 'hundred'],
  ['🚀', 'rocket'],
  ['🤔', 'thinking'],
  ['😎', 'cool'],
  ['🥳', 'celebrating'],
  ['💪', 'strong'],
  ['☕', 'coffee'],
  ['🌞', 'sun'],
  ['👋', 'wave'],
];

const encoder = new TextEncoder();
const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' });

/** Whether the server would take it: one emoji, or a name between colons. */
export function isEmoji(text: string, bytesMax: number): boolean {
  if (text === '' || encoder.encode(text).length > bytesMax) return false;
  if (/^:[\p{L}\p{N}_+-]+:$/u.test(text)) return true;
  return [...graphemes.segment(text)].length === 1 && !/^[\p{L}\p{C}\s]/u.test(text);
}
