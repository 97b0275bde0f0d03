// Coming into a group of oneself: by a link, or where it is open or may be asked.
import type { Ack } from '../protocol/frames.ts';
import { Refusal } from '../protocol/socket.ts';
import type { Place } from './address.ts';
import type { Core } from './core.ts';

export type Way = Exclude<Place, { kind: 'conversation' }>;

export interface Came {
  conversation: string;
  /** Whether somebody has to let them in first. */
  asks: boolean;
}

export class Joining {
  constructor(
    private readonly core: Core,
    private readonly opened: (ack: Ack) => Promise<string>,
  ) {}

  /** Comes in, or asks to be let in. Fails with a sentence for people. */
  async join(way: Way): Promise<Came> {
    const { socket } = this.core;
    const ack = await socket.command(
      way.kind === 'link'
        ? { type: 'group.join', secret: way.secret }
        : { type: 'group.join', conversation: way.conversation },
    );
    if (ack.data?.pending) return { conversation: ack.conversation, asks: true };
    return { conversation: await this.opened(ack), asks: false };
  }

  /** Asks no more to be let in, also where they have been refused meanwhile. Fails with a sentence for people. */
  async takeBack(conversation: string): Promise<void> {
    const { socket, state } = this.core;
    try {
      await socket.command({ type: 'group.withdraw', conversation, user: state.me });
    } catch (error) {
      if (!(error instanceof Refusal && error.code === 'not_a_member')) throw error;
    }
  }
}
