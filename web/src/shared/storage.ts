// What outlives a page, as far as the browser lets it: where storage is blocked, nothing does, and all goes on.

const area = (): Storage | undefined => {
  try {
    return localStorage;
  } catch {
    return undefined;
  }
};

/** What people have written and were told. It goes with their login; what else is kept for them says where to go on, and nothing to others. */
const WORDS = ['drafts', 'notices'] as const;

/** Under which key that is kept. */
export const keyOf = (words: (typeof WORDS)[number], user: string): string => `tidings.${words}.${user}`;

/** Whoever signs out, on whichever page, leaves nothing behind that somebody else could read. */
export function forget(user: string): void {
  for (const words of WORDS) write(keyOf(words, user), null);
}

export function read(key: string): string | null {
  try {
    return area()?.getItem(key) ?? null;
  } catch {
    return null;
  }
}

/** Answers whether it was stored. */
export function write(key: string, value: string | null): boolean {
  try {
    if (value === null) area()?.removeItem(key);
    else area()?.setItem(key, value);
    return area() !== undefined;
  } catch {
    return false;
  }
}
