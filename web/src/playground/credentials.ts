// Whose token the playground uses: one that was pasted, or that of this browser's login.
import { Session, storedLogin, type Login } from '../shared/session.ts';

const KEY = 'tidings.playground.token';

export class Credentials {
  private session: Session | undefined;
  private pasted = sessionStorage.getItem(KEY);

  constructor(private readonly changed: () => void) {
    this.hold(storedLogin());
  }

  /** Who the queries are asked as, for people. */
  get who(): string | null {
    if (this.pasted) return 'a pasted token';
    return this.session ? (storedLogin()?.username ?? null) : null;
  }

  /** Uses the login of this browser, which the chat page shares. */
  adopt(login: Login): void {
    this.hold(login);
    this.changed();
  }

  private hold(login: Login | null): void {
    this.session?.close();
    this.session = login
      ? new Session(login, {
          renewed: () => undefined,
          signedOut: () => {
            this.session = undefined;
            this.changed();
          },
        })
      : undefined;
  }

  /** Uses a token as it is, for as long as the tab lives. An empty one goes back to the login. */
  paste(token: string): void {
    this.pasted = token.trim().replace(/^Bearer\s+/i, '') || null;
    if (this.pasted) sessionStorage.setItem(KEY, this.pasted);
    else sessionStorage.removeItem(KEY);
    this.changed();
  }

  async signOut(): Promise<void> {
    if (this.pasted) this.paste('');
    else await this.session?.signOut();
  }

  /** What to send as `Authorization`. */
  async authorization(): Promise<Record<string, string>> {
    const token = this.pasted ?? (await this.session?.token());
    return token ? { Authorization: `Bearer ${token}` } : {};
  }
}
