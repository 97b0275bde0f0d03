// Telling the others that somebody types here.
import type { Socket } from '../protocol/socket.ts';

/** How often the others are told that somebody still types. */
const TYPING_EVERY_MS = 3_000;

export class Typing {
  private now: { conversation: string; at: number } | undefined;

  constructor(private readonly socket: Socket) {}

  begin(conversation: string): void {
    const now = Date.now();
    if (this.now?.conversation === conversation && now - this.now.at < TYPING_EVERY_MS) return;
    this.now = { conversation, at: now };
    this.socket.typing(conversation, true);
  }

  stop(): void {
    if (this.now) this.socket.typing(this.now.conversation, false);
    this.now = undefined;
  }
}
