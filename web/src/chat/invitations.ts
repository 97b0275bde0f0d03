// Invitations into groups: asked for with each connection and some times behind it, told of by notices meanwhile, and answered.
import type { Ack, Notice } from '../protocol/frames.ts';
import { keepAsking } from './again.ts';
import type { Core } from './core.ts';
import * as queries from './queries.ts';
import * as store from './store.ts';

export class Invitations {
  /** Groups, or invitations, of which something was heard since the connection stands: what was heard is newer than what is found. */
  private heard = new Set<string>();

  constructor(
    private readonly core: Core,
    private readonly opened: (ack: Ack) => Promise<string>,
  ) {}

  /** Asks for what was told while there was no connection. */
  reconnected(): Promise<void> {
    this.heard = new Set();
    return this.ask();
  }

  private ask(): Promise<void> {
    const { core, heard } = this;
    const isHeard = (of: store.Invitation) => heard.has(of.conversation) || heard.has(keyOf(of));
    return keepAsking(
      () => queries.findInvitations(core.ask),
      ({ invitations, people }) =>
        core.update(state => {
          const newer = state.invitations.filter(isHeard);
          const older = invitations.filter(found => !isHeard(found));
          return { ...store.withPeople(state, people), invitations: [...older, ...newer] };
        }),
      // A later connection knows better.
      () => core.closed || heard !== this.heard,
    );
  }

  noticed(notice: Notice): void {
    if (notice.kind === 'group.invited') {
      const invitation = notice.data as store.Invitation;
      this.hear(keyOf(invitation), other => keyOf(other) === keyOf(invitation), invitation);
    } else if (notice.kind === 'invitation.ended') {
      const { conversation, by } = notice.data as { conversation: string; by?: string };
      if (by === undefined) this.ended(conversation);
      else this.endedBy(conversation, by);
    }
  }

  /** Comes in. Fails with a sentence for people, as the other one does. */
  async accept(conversation: string): Promise<string> {
    const ack = await this.core.socket.command({ type: 'group.accept', conversation });
    this.ended(conversation);
    return this.opened(ack);
  }

  async decline(conversation: string): Promise<void> {
    await this.core.socket.command({ type: 'group.decline', conversation });
    this.ended(conversation);
  }

  /** Nobody invites them to a group any more. */
  private ended(conversation: string): void {
    this.hear(conversation, other => other.conversation === conversation);
  }

  /** Somebody invites them to a group no more. Others may, of whom no answer tells as long as this one names the group. */
  private endedBy(conversation: string, by: string): void {
    const key = keyOf({ conversation, by });
    this.hear(key, other => keyOf(other) === key);
    const isNamed = this.core.state.invitations.some(other => other.conversation === conversation);
    if (!isNamed) void this.ask();
  }

  /** What is heard takes the place of those that it is about. */
  private hear(
    about: string,
    isAbout: (other: store.Invitation) => boolean,
    invitation?: store.Invitation,
  ): void {
    this.heard.add(about);
    this.core.update(state => {
      const others = state.invitations.filter(other => !isAbout(other));
      return { ...state, invitations: invitation ? [...others, invitation] : others };
    });
  }
}

const keyOf = ({ conversation, by }: { conversation: string; by: string }): string => `${conversation} ${by}`;
