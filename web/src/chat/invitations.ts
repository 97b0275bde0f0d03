// Invitations into groups: asked for with each connection, told of by notices meanwhile, and answered.
import type { Ack, Notice } from '../protocol/frames.ts';
import { pause } from './again.ts';
import type { Core } from './core.ts';
import * as queries from './queries.ts';
import * as store from './store.ts';

const AGAIN_MS = 5_000;

export class Invitations {
  /** Groups of which something was heard since they were asked for last: what was heard is newer than what is found. */
  private heard = new Set<string>();

  constructor(
    private readonly core: Core,
    private readonly opened: (ack: Ack) => Promise<string>,
  ) {}

  /** Asks for what was told while there was no connection, until there is an answer. */
  async reconnected(): Promise<void> {
    const heard = (this.heard = new Set());
    // A later connection knows better.
    const isOver = () => this.core.closed || heard !== this.heard;
    while (!isOver()) {
      const found = await queries.findInvitations(this.core.ask).catch(() => null);
      if (isOver()) return;
      if (!found) {
        await pause(AGAIN_MS);
        continue;
      }
      const { invitations, people } = found;
      this.core.update(state => {
        const newer = state.invitations.filter(({ conversation }) => heard.has(conversation));
        const older = invitations.filter(({ conversation }) => !heard.has(conversation));
        return { ...store.withPeople(state, people), invitations: [...older, ...newer] };
      });
      return;
    }
  }

  noticed(notice: Notice): void {
    if (notice.kind === 'group.invited') {
      const invitation = notice.data as store.Invitation;
      this.set(invitation.conversation, invitation);
    } else if (notice.kind === 'invitation.ended') {
      this.set((notice.data as { conversation: string }).conversation);
    }
  }

  /** Comes in. Fails with a sentence for people, as the other one does. */
  async accept(conversation: string): Promise<string> {
    const ack = await this.core.socket.command({ type: 'group.accept', conversation });
    this.set(conversation);
    return this.opened(ack);
  }

  async decline(conversation: string): Promise<void> {
    await this.core.socket.command({ type: 'group.decline', conversation });
    this.set(conversation);
  }

  private set(conversation: string, invitation?: store.Invitation): void {
    this.heard.add(conversation);
    this.core.update(state => {
      const others = state.invitations.filter(other => other.conversation !== conversation);
      return { ...state, invitations: invitation ? [...others, invitation] : others };
    });
  }
}
