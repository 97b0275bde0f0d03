// What stands behind the # of the page's address: a conversation, or a way into a group. The server never sees it.

export type Place =
  | { kind: 'conversation'; id: string }
  | { kind: 'link'; secret: string }
  | { kind: 'ask'; conversation: string };

/** What an address names; nothing where it names nothing. */
export function readAddress(hash: string): Place | null {
  const text = hash.replace(/^#/, '');
  if (text === '') return null;
  const [way, rest] = text.split('/', 2);
  if (rest === undefined) return { kind: 'conversation', id: text };
  if (rest === '') return null;
  if (way === 'link') return { kind: 'link', secret: decoded(rest) };
  if (way === 'ask') return { kind: 'ask', conversation: rest };
  return null;
}

const page = (): string => `${location.origin}${location.pathname}`;

/** Where whoever has the secret of an invite link comes in. */
export const linkAddress = (secret: string): string => `${page()}#link/${encodeURIComponent(secret)}`;

/** Where somebody comes into a group that is open, or asks to be let in. */
export const askAddress = (conversation: string): string => `${page()}#ask/${conversation}`;

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
