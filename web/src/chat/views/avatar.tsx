// A coloured circle with initials.

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

export function Avatar({ id, name }: { id: string; name: string }) {
  return (
    <span class={`avatar hue-${hue(id)}`} aria-hidden="true">
      {initials(name)}
    </span>
  );
}
