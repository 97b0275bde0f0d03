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

export function Avatar({ id, name, seen }: { id: string; name: string; seen?: Seen | undefined }) {
  return (
    <span class={`avatar hue-${hue(id)}`} data-there={there(seen)} aria-hidden="true">
      {initials(name)}
    </span>
  );
}
