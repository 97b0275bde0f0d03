// Up to where this person has read, told to the server in one go for a while.
import { Refusal } from '../protocol/socket.ts';
import type { Core } from './core.ts';

/** Reads are gathered for so long; those that failed are tried again after the other. */
const READ_MS = 500;
const READ_AGAIN_MS = 5_000;

/** Whether the same may be taken later. */
const passes = (error: unknown): boolean =>
  !(error instanceof Refusal) ||
  ['timeout', 'unavailable', 'overloaded', 'rate_limited'].includes(error.code);

export class Reads {
  /** Up to where conversations were read and the server does not know yet. */
  private readonly reads = new Map<string, number>();
  private telling: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly core: Core) {}

  read(conversation: string, seq: number): void {
    this.reads.set(conversation, seq);
    this.tell(READ_MS);
  }

  stop(): void {
    clearTimeout(this.telling);
  }

  private tell(after: number): void {
    this.telling ??= setTimeout(() => {
      this.telling = undefined;
      for (const [conversation, seq] of this.reads) {
        this.reads.delete(conversation);
        this.core.socket.command({ type: 'read', conversation, seq }).catch((error: unknown) => {
          if (this.core.closed || !passes(error)) return;
          // Else other devices would show it as unread for ever.
          this.reads.set(conversation, Math.max(seq, this.reads.get(conversation) ?? 0));
          this.tell(READ_AGAIN_MS);
        });
      }
    }, after);
  }
}
