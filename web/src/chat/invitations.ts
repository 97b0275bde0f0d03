// Invitations into groups: asked for with each connection and some times behind it, told of by notices meanwhile, and answered.
import type { Ack, Notice } from '../protocol/frames.ts';
import { keepAsking } from './again.ts';
import type { Core } from './core.ts';
import * as queries from './queries.ts';
import * as store from './store.ts';

export class Invitations {
  /** Groups of which something was heard since the connection stands: what was heard is newer than what is found. */
  private heard = new Set<string>();

  constructor(
    private readonly core: Core,
    private readonly opened: (ack: Ack) => Promise<string>,
  ) {}

  /** Asks for what was told while there was no connection. */
  reconnected(): Promise<void> {
    const { core } = this;
    const heard = (this.heard = new Set());
    return keepAsking(
      () => queries.findInvitations(core.ask),
      ({ invitations, people }) =>
        core.update(state => {
          const newer = state.invitations.filter(({ conversation }) => heard.has(conversation));
          const older = invitations.filter(({ conversation }) => !heard.has(conversation));
          return { ...store.withPeople(state, people), invitations: [...older, ...newer] };
        }),
      // A later connection knows better.
      () => core.closed || heard !== this.heard,
    );
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
