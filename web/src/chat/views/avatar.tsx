// A coloured circle with initials, and a dot that says how somebody is there.
import type { Seen } from '../../protocol/frames.ts';

const HUES = 8;

/** The same colour for the same id, every time. */
function hue(id: string): number {
  let sum = 0;
  for (const character of id) sum = (sum * 31 + character.charCodeAt(0)) % 65_521;
  return sum % HUES;
}

function initials(name: string): string {
  const words = name.split(/[\s._-]+/).filter(Boolean);
  const letters = words.length > 1 ? [words[0]!, words.at(-1)!] : words;
  return letters.map(word => [...word][0]?.toUpperCase() ?? '').join('');
}

/** How somebody is there, in a word; nothing of those who are not. */
export const there = (seen: Seen | undefined): string | undefined =>
  seen?.online ? (seen.status ?? 'online') : undefined;

interface Props {
  id: string;
  name: string;
  seen?: Seen | undefined;
  /** A picture in the place of the initials. */
  picture?: string | null;
  /** It cannot be fetched. */
  onBroken?(): void;
}

export function Avatar({ id, name, seen, picture, onBroken }: Props) {
  return (
    <span class={`avatar hue-${hue(id)}`} data-there={there(seen)} aria-hidden="true">
      {picture ? <img src={picture} alt="" {...(onBroken && { onError: onBroken })} /> : initials(name)}
    </span>
  );
}
