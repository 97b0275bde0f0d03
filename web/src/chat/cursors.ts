// Where this browser stands in each conversation, kept from one visit to the next.

const SAVE_MS = 1_000;
const key = (user: string): string => `tidings.cursors.${user}`;

export function storedCursors(user: string): Record<string, number> {
  try {
    const stored = JSON.parse(localStorage.getItem(key(user)) ?? '{}') as Record<string, unknown>;
    const valid = Object.entries(stored).filter(([, seq]) => Number.isSafeInteger(seq));
    return Object.fromEntries(valid) as Record<string, number>;
  } catch {
    return {};
  }
}

/** Saves cursors soon after they moved. Other tabs may have come further: the furthest counts. */
export class CursorKeeper {
  private moved = new Map<string, number>();
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly user: string) {}

  move(conversation: string, seq: number): void {
    this.moved.set(conversation, seq);
    this.timer ??= setTimeout(() => this.save(), SAVE_MS);
  }

  save(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    if (this.moved.size === 0) return;
    const cursors = storedCursors(this.user);
    for (const [id, seq] of this.moved) cursors[id] = Math.max(seq, cursors[id] ?? 0);
    this.moved.clear();
    try {
      localStorage.setItem(key(this.user), JSON.stringify(cursors));
    } catch {
      // Without room for them, the next visit is sent some events again.
    }
  }
}

/** A name for this browser, the same each time it returns. */
export function deviceName(make: () => string): string {
  const stored = localStorage.getItem('tidings.device');
  if (stored) return stored;
  const name = `web-${make()}`;
  localStorage.setItem('tidings.device', name);
  return name;
}
