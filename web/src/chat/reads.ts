// Up to where this person has read, told to the server in one go for a while.
import type { Ack } from '../protocol/frames.ts';
import { Refusal } from '../protocol/socket.ts';
import { passes } from '../shared/api.ts';
import type { Core } from './core.ts';

/** Reads are gathered for so long; those that failed are tried again after the other. */
const READ_MS = 500;
const READ_AGAIN_MS = 5_000;

/** Whether the same may be taken later. */
const isForNow = (error: unknown): boolean =>
  !(error instanceof Refusal) || error.code === 'timeout' || passes(error.code);

/** Where somebody reads: in the main timeline, or in a thread. */
interface Place {
  conversation: string;
  thread?: string;
}

export class Reads {
  /** Up to where conversations and threads were read and the server does not know yet. */
  private readonly reads = new Map<string, Place & { seq: number }>();
  private telling: ReturnType<typeof setTimeout> | undefined;

  /** `told` is called with each ack: the read models know by its position. */
  constructor(
    private readonly core: Core,
    private readonly told: (ack: Ack) => void,
  ) {}

  read(conversation: string, seq: number, thread?: string): void {
    this.keep({ conversation, seq, ...(thread !== undefined && { thread }) });
    this.tell(READ_MS);
  }

  /** Tells at once what is gathered: what is sent next is to come behind it. */
  flush(): void {
    this.stop();
    this.telling = undefined;
    this.send();
  }

  stop(): void {
    clearTimeout(this.telling);
  }

  private keep(read: Place & { seq: number }): void {
    const key = `${read.conversation}/${read.thread ?? ''}`;
    this.reads.set(key, { ...read, seq: Math.max(read.seq, this.reads.get(key)?.seq ?? 0) });
  }

  private tell(after: number): void {
    this.telling ??= setTimeout(() => {
      this.telling = undefined;
      this.send();
    }, after);
  }

  private send(): void {
    const reads = [...this.reads.values()];
    this.reads.clear();
    for (const read of reads) {
      this.core.socket.command({ type: 'read', ...read }).then(this.told, (error: unknown) => {
        if (this.core.closed || !isForNow(error)) return;
        // Else other devices would show it as unread for ever.
        this.keep(read);
        this.tell(READ_AGAIN_MS);
      });
    }
  }
}
