// What was begun to be written and not sent, by conversation. Texts outlive the page; they are gone with the login.
import * as storage from '../shared/storage.ts';
import type { Picked } from './nouns/attachment.ts';

const SAVE_MS = 500;
/** So many are kept, of so many characters each; the one that was written at last is kept longest. */
const KEPT_MAX = 50;
const TEXT_MAX = 10_000;
const key = (user: string): string => storage.keyOf('drafts', user);

interface Draft {
  text: string;
  /** When it was written, in milliseconds. */
  at: number;
}

export class Drafts {
  private texts: Map<string, Draft>;
  /** Those that are not stored as they are. */
  private readonly changed = new Set<string>();
  private readonly picked = new Map<string, readonly Picked[]>();
  private timer: ReturnType<typeof setTimeout> | undefined;
  private forgotten = false;

  constructor(private readonly user: string) {
    this.texts = stored(user);
    addEventListener('storage', this.onStorage);
  }

  text(id: string): string {
    return this.texts.get(id)?.text ?? '';
  }

  keepText(id: string, text: string): void {
    if (text === '' && !this.texts.has(id)) return;
    if (text === '') this.texts.delete(id);
    else this.texts.set(id, { text, at: Date.now() });
    this.changed.add(id);
    this.timer ??= setTimeout(() => this.save(), SAVE_MS);
  }

  /** Files that were chosen. They last as long as the page. */
  files(id: string): readonly Picked[] {
    return this.picked.get(id) ?? [];
  }

  keepFiles(id: string, files: readonly Picked[]): void {
    if (files.length === 0) this.picked.delete(id);
    else this.picked.set(id, files);
  }

  /** Stores what was written. Other tabs may have written in other conversations. */
  save(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    if (this.forgotten || this.changed.size === 0) return;
    const drafts = this.merged();
    this.changed.clear();
    const newest = [...drafts].sort(([, a], [, b]) => b.at - a.at).slice(0, KEPT_MAX);
    const fitting = newest.filter(([, { text }]) => text.length <= TEXT_MAX);
    storage.write(key(this.user), fitting.length > 0 ? JSON.stringify(Object.fromEntries(fitting)) : null);
  }

  /** The login has ended, and what was stored went with it: nothing is any more. */
  forget(): void {
    this.forgotten = true;
    this.texts.clear();
  }

  stop(): void {
    this.save();
    removeEventListener('storage', this.onStorage);
  }

  private merged(): Map<string, Draft> {
    const drafts = stored(this.user);
    for (const id of this.changed) {
      const draft = this.texts.get(id);
      if (draft) drafts.set(id, draft);
      else drafts.delete(id);
    }
    return drafts;
  }

  private readonly onStorage = (event: StorageEvent): void => {
    if (event.key === key(this.user) && !this.forgotten) this.texts = this.merged();
  };
}

function stored(user: string): Map<string, Draft> {
  try {
    const drafts = JSON.parse(storage.read(key(user)) ?? '{}') as Record<string, Partial<Draft> | null>;
    const valid = Object.entries(drafts).filter(
      (entry): entry is [string, Draft] =>
        typeof entry[1]?.text === 'string' && typeof entry[1].at === 'number',
    );
    return new Map(valid);
  } catch {
    return new Map();
  }
}
