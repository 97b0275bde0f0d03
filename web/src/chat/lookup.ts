// What views ask for one by one as they are drawn, and the server answers many at a time.

/** Those asked for within this time are asked for together. */
const GATHER_MS = 20;
const AT_ONCE = 20;
/** So many questions are under way at a time; the rest waits in the order in which it was asked for. */
const ASKING_MAX = 2;
/** What is not there yet may be soon: read models lag, as long as so many tries take, and connections break. */
const TRIES_MAX = 7;
const AGAIN_MS = 500;
const AGAIN_MAX_MS = 15_000;
/** So many that nobody looks at are remembered. */
const KEPT_MAX = 500;

/** Answers those that are there, by their keys. */
export type Load<T> = (keys: readonly string[]) => Promise<ReadonlyMap<string, T>>;

interface Entry<T> {
  /** Absent while it is not known; `null`: it is not there. */
  value?: T | null;
  /** How often it was asked for, and how often the answer was that it is not there. */
  tries: number;
  missed: number;
  watchers: Set<() => void>;
}

export class Lookup<T> {
  private readonly entries = new Map<string, Entry<T>>();
  private readonly wanted = new Set<string>();
  private timer: ReturnType<typeof setTimeout> | undefined;
  private asking = 0;
  private stopped = false;

  constructor(private readonly load: Load<T>) {}

  /** What is known of it: `undefined` for nothing yet, `null` where it is not there. */
  get(key: string): T | null | undefined {
    return this.entries.get(key)?.value;
  }

  /** Calls back when something else is known of it, and asks for it if nothing is. Answers how to stop that. */
  watch(key: string, listener: () => void): () => void {
    const entry = this.entries.get(key) ?? { tries: 0, missed: 0, watchers: new Set() };
    if (entry.watchers.size === 0) entry.tries = entry.missed = 0;
    entry.watchers.add(listener);
    // The one that was looked at last is forgotten last.
    this.entries.delete(key);
    this.entries.set(key, entry);
    this.forgetOldest();
    // What was not there may be there by now.
    if (entry.value === undefined || entry.value === null) this.want(key);
    return () => entry.watchers.delete(listener);
  }

  /** Asks for it again: what is known is out of date. It is shown until then. */
  again(key: string): void {
    const entry = this.entries.get(key);
    if (!entry) return;
    entry.tries = entry.missed = 0;
    this.want(key);
  }

  stop(): void {
    this.stopped = true;
    clearTimeout(this.timer);
  }

  private want(key: string, after = GATHER_MS): void {
    if (this.stopped) return;
    this.wanted.add(key);
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      this.proceed();
    }, after);
  }

  private proceed(): void {
    // What is still being gathered goes with the rest.
    if (this.stopped || this.timer !== undefined) return;
    while (this.asking < ASKING_MAX && this.wanted.size > 0) {
      const keys = [...this.wanted].slice(0, AT_ONCE);
      for (const key of keys) this.wanted.delete(key);
      this.asking += 1;
      void this.ask(keys).finally(() => {
        this.asking -= 1;
        this.proceed();
      });
    }
  }

  private async ask(keys: readonly string[]): Promise<void> {
    // Without an answer there is no telling.
    const found = await this.load(keys).catch(() => null);
    if (this.stopped) return;
    for (const key of keys) {
      const entry = this.entries.get(key);
      if (!entry) continue;
      const value = found?.get(key);
      entry.tries += 1;
      if (found && value === undefined) entry.missed += 1;
      if (value !== undefined) this.set(entry, value);
      else if (entry.missed >= TRIES_MAX) this.set(entry, null);
      else this.later(key, entry);
    }
  }

  /** Asks for it again after a while, for as long as somebody looks at it. */
  private later(key: string, entry: Entry<T>): void {
    const wait = Math.min(AGAIN_MS * 2 ** entry.tries, AGAIN_MAX_MS);
    setTimeout(() => {
      if (entry.watchers.size > 0) this.want(key);
    }, wait);
  }

  private set(entry: Entry<T>, value: T | null): void {
    entry.value = value;
    for (const watcher of entry.watchers) watcher();
  }

  private forgetOldest(): void {
    if (this.entries.size <= KEPT_MAX) return;
    for (const [key, { watchers }] of this.entries) {
      if (watchers.size === 0) this.entries.delete(key);
      if (this.entries.size <= KEPT_MAX) return;
    }
  }
}
