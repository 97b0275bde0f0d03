// Coming into a group of oneself: by a link, or where it is open or may be asked.
import type { Ack } from '../protocol/frames.ts';
import type { Place } from './address.ts';
import type { Core } from './core.ts';

export type Way = Exclude<Place, { kind: 'conversation' }>;

export class Joining {
  constructor(
    private readonly core: Core,
    private readonly opened: (ack: Ack) => Promise<string>,
  ) {}

  /** Comes in. Answers the conversation's id, or nothing where it has been asked and somebody has to say. Fails with a sentence for people. */
  async join(way: Way): Promise<string | null> {
    const { socket } = this.core;
    const ack = await socket.command(
      way.kind === 'link'
        ? { type: 'group.join', secret: way.secret }
        : { type: 'group.join', conversation: way.conversation },
    );
    return ack.data?.pending ? null : this.opened(ack);
  }
}
