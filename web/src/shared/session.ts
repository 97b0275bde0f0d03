// The login of this browser. It is shared by all tabs through localStorage, and its token is refreshed before it expires.
import * as api from './api.ts';
import * as storage from './storage.ts';

const KEY = 'tidings.session';
/** A token with less than this to live is refreshed before it is used. */
const MARGIN_MS = 30_000;
/** However short tokens live, they are not refreshed more often than this. */
const REFRESH_MIN_MS = 10_000;
/** Timers further ahead than this are not exact in browsers. */
const TIMER_MAX_MS = 3_600_000;

export interface Login extends api.Grant {
  username: string;
}

/** There is no login, or no longer. */
export class SignedOut extends Error {
  constructor() {
    super('You are signed out.');
  }
}

/** The login where the browser stores nothing: it lasts as long as the page. */
let memory: string | null = null;

export function storedLogin(): Login | null {
  try {
    const login = JSON.parse(storage.read(KEY) ?? memory ?? 'null') as Login | null;
    return login && typeof login.token === 'string' && typeof login.refresh_token === 'string' ? login : null;
  } catch {
    return null;
  }
}

function store(login: Login | null): void {
  const text = login && JSON.stringify(login);
  memory = storage.write(KEY, text) ? null : text;
}

export async function signIn(username: string, password: string): Promise<Login> {
  const login = { ...(await api.login(username, password)), username };
  store(login);
  return login;
}

export async function signUp(username: string, password: string, displayName: string): Promise<Login> {
  const login = { ...(await api.register(username, password, displayName)), username };
  store(login);
  return login;
}

/** Runs alone among all tabs where the browser can do that. A refresh token spent twice would end the login. */
function alone<T>(run: () => Promise<T>): Promise<T> {
  return navigator.locks ? navigator.locks.request(KEY, run) : run();
}

/** How long a token has left, by the server's clock. */
const lifetime = (login: Login): number => Date.parse(login.expires_at) - (Date.now() + (login.skew_ms ?? 0));

/** The session of a token; nothing of one that does not say, as that of an outside issuer. */
export function sessionOf(token: string): string | undefined {
  try {
    const payload = token.split('.')[1]!.replaceAll('-', '+').replaceAll('_', '/');
    const { sid } = JSON.parse(atob(payload)) as { sid?: unknown };
    return typeof sid === 'string' ? sid : undefined;
  } catch {
    return undefined;
  }
}

/** When a token with so much left should be replaced: once most of its life is over. */
export function refreshDelay(left: number): number {
  return Math.max(REFRESH_MIN_MS, Math.min(left - Math.max(MARGIN_MS, left * 0.2), TIMER_MAX_MS));
}

/** Keeps the token of one user fresh for as long as a page is open. */
export class Session {
  private timer: ReturnType<typeof setTimeout> | undefined;
  private refreshing: Promise<Login> | undefined;
  private ended = false;
  /** Why it ends, where this person wants it to. */
  private parting: string | undefined;
  /** On the clock that only goes forward: when the token ends, and from when on it may be refreshed. */
  private endsAt = 0;
  private notBefore = 0;

  constructor(
    private login: Login,
    private readonly listener: { renewed(token: string): void; signedOut(reason?: string): void },
  ) {
    addEventListener('storage', this.onStorage);
    this.endsAt = performance.now() + lifetime(login);
    this.schedule();
  }

  get user(): string {
    return this.login.user;
  }

  /** Which of the user's sessions it is, as its token says. */
  get id(): string | undefined {
    return sessionOf(this.login.token);
  }

  /** A token that is good for a while. Fails with `SignedOut`, or with a `Problem` that may pass. */
  async token(): Promise<string> {
    // Just refreshed, it is as good as another would be.
    if (this.left() > MARGIN_MS || performance.now() < this.notBefore) return this.login.token;
    return (await this.renew()).token;
  }

  /** Replaces a token that the server does not take, whatever its date says. */
  async renew(): Promise<Login> {
    this.refreshing ??= this.refresh().finally(() => (this.refreshing = undefined));
    return this.refreshing;
  }

  /** Ends the login, here and on the server. */
  async signOut(): Promise<void> {
    const { refresh_token } = this.login;
    store(null);
    this.end();
    await api.logout(refresh_token).catch(() => undefined);
  }

  /** Takes another password. Every other login of the account ends. Fails with a `Problem`. */
  changePassword(password: string, newPassword: string): Promise<void> {
    return alone(async () => {
      const { token, username } = this.login;
      const login = { ...(await api.changePassword(token, password, newPassword)), username };
      store(login);
      this.take(login);
    });
  }

  /** Deletes the account, for good. Fails with a `Problem`. */
  async deleteAccount(password: string): Promise<void> {
    // The connection may end before the answer comes.
    this.parting = 'Your account is deleted.';
    try {
      await api.deleteAccount(await this.token(), password);
    } catch (error) {
      this.parting = undefined;
      throw error;
    }
    store(null);
    this.end();
  }

  /** Stops refreshing. */
  close(): void {
    clearTimeout(this.timer);
    removeEventListener('storage', this.onStorage);
  }

  private refresh(): Promise<Login> {
    return alone(async () => {
      const stored = storedLogin();
      if (!stored || stored.user !== this.login.user) {
        this.end();
        throw new SignedOut();
      }
      if (stored.refresh_token !== this.login.refresh_token) {
        this.take(stored);
        return stored;
      }
      try {
        const login = { ...(await api.refresh(stored.refresh_token)), username: stored.username };
        store(login);
        this.take(login);
        return login;
      } catch (error) {
        if (!(error instanceof api.Problem) || !['unauthenticated', 'forbidden'].includes(error.code))
          throw error;
        // Another tab may have been faster, where tabs cannot wait for each other.
        const now = storedLogin();
        if (now?.user === this.login.user && now.refresh_token !== stored.refresh_token) {
          this.take(now);
          return now;
        }
        store(null);
        this.end();
        throw new SignedOut();
      }
    });
  }

  private take(login: Login): void {
    this.login = login;
    this.endsAt = performance.now() + lifetime(login);
    this.notBefore = performance.now() + REFRESH_MIN_MS;
    this.schedule();
    this.listener.renewed(login.token);
  }

  /** What the token has left: one clock may be set while the page is open, the other may stand still while the device sleeps. */
  private left(): number {
    return Math.min(this.endsAt - performance.now(), lifetime(this.login));
  }

  private schedule(): void {
    clearTimeout(this.timer);
    const left = this.left();
    const delay = refreshDelay(left);
    const due = left - Math.max(MARGIN_MS, left * 0.2) <= delay;
    this.timer = setTimeout(() => {
      if (due) void this.renew().catch(() => this.later());
      else this.schedule();
    }, delay);
  }

  private later(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.renew().catch(() => this.later()), MARGIN_MS / 3);
  }

  private end(): void {
    this.close();
    if (this.ended) return;
    this.ended = true;
    storage.forget(this.login.user);
    this.listener.signedOut(this.parting);
  }

  private readonly onStorage = (event: StorageEvent): void => {
    if (event.key !== KEY && event.key !== null) return;
    const stored = storedLogin();
    if (!stored || stored.user !== this.login.user) this.end();
    else if (stored.refresh_token !== this.login.refresh_token) this.take(stored);
  };
}
