// What outlives a page, as far as the browser lets it: where storage is blocked, nothing does, and all goes on.

const area = (): Storage | undefined => {
  try {
    return localStorage;
  } catch {
    return undefined;
  }
};

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
