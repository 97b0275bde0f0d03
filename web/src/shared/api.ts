// Calls over HTTP: accounts and GraphQL. Every call ends within a bounded time.

const TIMEOUT_MS = 15_000;

/** What `/auth/*` answers whoever it admits. */
export interface Grant {
  user: string;
  token: string;
  /** RFC 3339. */
  expires_at: string;
  refresh_token: string;
  /** How far the server's clock was ahead of this device's when it answered, in milliseconds. */
  skew_ms?: number;
}

/** A refusal over HTTP, or no answer at all (`unavailable`). `message` is for people. */
export class Problem extends Error {
  constructor(
    readonly code: string,
    message: string,
    readonly field?: string,
    /** How long to wait before it is asked for again, where the server says so. */
    readonly retryAfterMs?: number,
  ) {
    super(message);
  }
}

async function call(
  path: string,
  body: object | null,
  headers: Record<string, string> = {},
  method = 'POST',
): Promise<Response> {
  try {
    return await fetch(path, {
      method,
      headers: { ...(body && { 'Content-Type': 'application/json' }), ...headers },
      ...(body && { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
  } catch {
    throw new Problem('unavailable', 'The server cannot be reached.');
  }
}

async function json(response: Response): Promise<Record<string, unknown>> {
  try {
    return (await response.json()) as Record<string, unknown>;
  } catch {
    throw new Problem('unavailable', `The server answered ${response.status}.`);
  }
}

const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);

/** Clocks of devices may be hours off; the server's own, by which it judges tokens, stands in its answers. */
function skew(response: Response): number {
  const date = Date.parse(response.headers.get('Date') ?? '');
  return Number.isNaN(date) ? 0 : date - Date.now();
}

async function account(path: string, body: object, token?: string): Promise<Grant> {
  const response = await call(path, body, token === undefined ? {} : bearer(token));
  if (!response.ok) throw await refusal(response);
  return { ...((await json(response)) as unknown as Grant), skew_ms: skew(response) };
}

async function refusal(response: Response): Promise<Problem> {
  const answer = await json(response);
  const message = text(answer.detail) ?? text(answer.title) ?? `The server answered ${response.status}.`;
  const wait = answer.retry_after_ms;
  const code = text(answer.code) ?? 'unavailable';
  return new Problem(code, message, text(answer.field), typeof wait === 'number' ? wait : undefined);
}

const bearer = (token: string): Record<string, string> => ({ Authorization: `Bearer ${token}` });

export const register = (username: string, password: string, displayName: string): Promise<Grant> =>
  account('/auth/register', {
    username,
    password,
    ...(displayName ? { display_name: displayName } : {}),
  });

export const login = (username: string, password: string): Promise<Grant> =>
  account('/auth/login', { username, password });

export const refresh = (refreshToken: string): Promise<Grant> =>
  account('/auth/refresh', { refresh_token: refreshToken });

/** With a new password; every other session of the account ends. */
export const changePassword = (token: string, password: string, newPassword: string): Promise<Grant> =>
  account('/auth/password', { password, new_password: newPassword }, token);

/** Deletes the account, for good. */
export async function deleteAccount(token: string, password: string): Promise<void> {
  const response = await call('/auth/delete', { password }, bearer(token));
  if (!response.ok) throw await refusal(response);
}

/** A login somewhere, and all that was refreshed from it. */
export interface OwnSession {
  id: string;
  /** What its user reads of it. */
  device?: string;
  address: string;
  created_at: string;
  last_used_at: string;
  /** Whether it is the one that asks. */
  current: boolean;
}

/** The user's sessions, the latest used first. */
export async function listSessions(token: string): Promise<OwnSession[]> {
  const response = await call('/auth/sessions', null, bearer(token), 'GET');
  if (!response.ok) throw await refusal(response);
  return (await json(response)) as unknown as OwnSession[];
}

/** Ends a session. One that has ended already is as good. */
export async function endSession(token: string, id: string): Promise<void> {
  const response = await call(`/auth/sessions/${encodeURIComponent(id)}`, null, bearer(token), 'DELETE');
  if (!response.ok && response.status !== 404) throw await refusal(response);
}

/** Ends the login on the server. */
export async function logout(refreshToken: string): Promise<void> {
  await call('/auth/logout', { refresh_token: refreshToken });
}

/** Whether the same may be taken a little later that was refused with this code. */
export const passes = (code: string): boolean => ['unavailable', 'overloaded', 'rate_limited'].includes(code);

/** Answers one GraphQL query. With `after`, an ack's position, the answer includes what was acked. */
export async function graphql<T>(
  token: string,
  query: string,
  variables: Record<string, unknown> = {},
  after?: string,
): Promise<T> {
  const response = await call(
    '/graphql',
    { query, variables },
    { ...bearer(token), ...(after ? { 'tidings-after': after } : {}) },
  );
  const answer = (await json(response)) as {
    data?: T | null;
    errors?: { message: string; extensions?: { code?: string } }[];
    code?: string;
    detail?: string;
  };
  const error = answer.errors?.[0];
  if (error) throw new Problem(error.extensions?.code ?? 'unavailable', error.message);
  if (answer.data) return answer.data;
  throw new Problem(answer.code ?? 'unavailable', answer.detail ?? `The server answered ${response.status}.`);
}
