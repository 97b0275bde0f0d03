// Where this person is signed in, their password, and the end of their account.
import * as api from '../shared/api.ts';
import type { Session } from '../shared/session.ts';

/** All that is done here fails with a sentence for people. */
export class Sessions {
  constructor(private readonly session: Session) {}

  async list(): Promise<api.OwnSession[]> {
    return api.listSessions(await this.session.token());
  }

  async end({ id, current }: api.OwnSession): Promise<void> {
    if (current) await this.session.signOut();
    else await api.endSession(await this.session.token(), id);
  }

  /** Ends all sessions, this one last: should another not end, somebody is still here to see it. */
  async endAll(): Promise<void> {
    for (const session of await this.list()) if (!session.current) await this.end(session);
    await this.session.signOut();
  }

  changePassword(password: string, newPassword: string): Promise<void> {
    return this.session.changePassword(password, newPassword);
  }

  deleteAccount(password: string): Promise<void> {
    return this.session.deleteAccount(password);
  }
}
