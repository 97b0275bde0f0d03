// The order of events: each of a conversation once, by seq, without holes.
import type { TidingsEvent } from './frames.ts';

/** Events that wait behind a hole. More of them mean that something is wrong with the connection. */
const WAITING_MAX = 1_000;

export interface Accepted {
  /** What may be handled now, in order. */
  events: TidingsEvent[];
  /** The first event that waits behind a hole: what is missing has to be fetched. */
  hole?: true;
  /** Too much waits behind holes. */
  overrun?: true;
}

export class Sequence {
  private readonly cursors = new Map<string, number>();
  private readonly waiting = new Map<string, Map<number, TidingsEvent>>();

  cursor(conversation: string): number | undefined {
    return this.cursors.get(conversation);
  }

  /** Says that everything up to `seq` is known. Cursors only move forward. */
  advance(conversation: string, seq: number): TidingsEvent[] {
    this.cursors.set(conversation, Math.max(seq, this.cursors.get(conversation) ?? 0));
    return this.flush(conversation);
  }

  /** The log of a conversation ends at `seq`: what was seen behind it is no longer so. Where it has nothing, it may begin anywhere. */
  rewind(conversation: string, seq: number): void {
    if (seq > 0) this.cursors.set(conversation, seq);
    else this.cursors.delete(conversation);
    this.waiting.delete(conversation);
  }

  accept(event: TidingsEvent): Accepted {
    const { conversation, seq } = event;
    const cursor = this.cursors.get(conversation);
    if (cursor !== undefined && seq <= cursor) return { events: [] };
    if (cursor === undefined || seq === cursor + 1) {
      this.cursors.set(conversation, seq);
      return { events: [event, ...this.flush(conversation)] };
    }
    const waiting = this.waiting.get(conversation) ?? new Map<number, TidingsEvent>();
    this.waiting.set(conversation, waiting);
    const asked = waiting.size > 0;
    waiting.set(seq, event);
    if (waiting.size > WAITING_MAX) return { events: [], overrun: true };
    return asked ? { events: [] } : { events: [], hole: true };
  }

  /** What is missing between the cursor and what waits. */
  hole(conversation: string): { from: number; to: number } | undefined {
    const waiting = this.waiting.get(conversation);
    const cursor = this.cursors.get(conversation);
    if (!waiting || cursor === undefined) return undefined;
    return { from: cursor + 1, to: Math.min(...waiting.keys()) - 1 };
  }

  /** Forgets what waits: a new connection brings it again. */
  dropWaiting(): void {
    this.waiting.clear();
  }

  private flush(conversation: string): TidingsEvent[] {
    const waiting = this.waiting.get(conversation);
    if (!waiting) return [];
    const events: TidingsEvent[] = [];
    let cursor = this.cursors.get(conversation) ?? 0;
    for (const seq of waiting.keys()) if (seq <= cursor) waiting.delete(seq);
    for (let next = waiting.get(cursor + 1); next; next = waiting.get(cursor + 1)) {
      cursor += 1;
      waiting.delete(cursor);
      events.push(next);
    }
    this.cursors.set(conversation, cursor);
    if (waiting.size === 0) this.waiting.delete(conversation);
    return events;
  }
}
