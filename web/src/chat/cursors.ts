// Where this browser stands in each conversation, kept from one visit to the next.
import * as storage from '../shared/storage.ts';

const SAVE_MS = 1_000;
const key = (user: string): string => `tidings.cursors.${user}`;

export function storedCursors(user: string): Record<string, number> {
  try {
    const stored = JSON.parse(storage.read(key(user)) ?? '{}') as Record<string, unknown>;
    const valid = Object.entries(stored).filter(([, seq]) => Number.isSafeInteger(seq));
    return Object.fromEntries(valid) as Record<string, number>;
  } catch {
    return {};
  }
}

/** Saves cursors soon after they moved. Other tabs may have come further: the furthest counts. */
export class CursorKeeper {
  private moved = new Map<string, number>();
  private readonly rewound = new Set<string>();
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly user: string) {}

  move(conversation: string, seq: number): void {
    this.moved.set(conversation, seq);
    this.timer ??= setTimeout(() => this.save(), SAVE_MS);
  }

  /** The log went back: so does what is stored. */
  rewind(conversation: string, seq: number): void {
    this.rewound.add(conversation);
    this.move(conversation, seq);
  }

  save(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    if (this.moved.size === 0) return;
    const cursors = storedCursors(this.user);
    for (const [id, seq] of this.moved) {
      cursors[id] = this.rewound.has(id) ? seq : Math.max(seq, cursors[id] ?? 0);
    }
    this.moved.clear();
    this.rewound.clear();
    // Without room for them, the next visit is sent some events again.
    storage.write(key(this.user), JSON.stringify(cursors));
  }
}

/** A name for this browser, the same each time it returns. */
export function deviceName(make: () => string): string {
  const stored = storage.read('tidings.device');
  if (stored) return stored;
  const name = `web-${make()}`;
  storage.write('tidings.device', name);
  return name;
}
