import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Sessions } from '../src/chat/sessions.ts';
import { Session, sessionOf, SignedOut, storedLogin, type Login } from '../src/shared/session.ts';
import { browser, settle, type Browser } from './browser.ts';

const HOUR = 3_600_000;

/** A server whose clock is so far from this device's, and whose tokens live for so long. */
function server(offset = 0, ttl = HOUR) {
  let grants = 0;
  return () => {
    grants += 1;
    const date = Date.now() + offset;
    const body = {
      user: 'me',
      token: `token-${grants}`,
      expires_at: new Date(date + ttl).toISOString(),
      refresh_token: `refresh-${grants}`,
    };
    return { body, date };
  };
}

function login(page: Browser, left = HOUR, more: Partial<Login> = {}): Login {
  const grant: Login = {
    user: 'me',
    username: 'me',
    token: 'token-0',
    refresh_token: 'refresh-0',
    expires_at: new Date(Date.now() + left).toISOString(),
    ...more,
  };
  page.stored.set('tidings.session', JSON.stringify(grant));
  return grant;
}

function begun(login: Login) {
  const renewed: string[] = [];
  let out = 0;
  const session = new Session(login, { renewed: token => renewed.push(token), signedOut: () => (out += 1) });
  return { session, renewed, out: () => out };
}

test('a token says which session it is of, or nothing', () => {
  const token = (payload: object) => `h.${Buffer.from(JSON.stringify(payload)).toString('base64url')}.s`;
  assert.equal(sessionOf(token({ sub: 'u', sid: 's-1', name: '¿?~' })), 's-1');
  for (const other of [token({ sub: 'u' }), token({ sid: 7 }), 'h.x.s', '', 'a b'])
    assert.equal(sessionOf(other), undefined);
});

test('a device whose clock is hours off refreshes no oftener than any other', async () => {
  for (const offset of [-5 * HOUR, 0, 5 * HOUR]) {
    const page = browser(server(offset));
    const { session, renewed } = begun(login(page, offset + HOUR, { skew_ms: offset }));
    await page.pass(4 * HOUR);
    assert.ok(renewed.length >= 4 && renewed.length <= 7, `${offset}: ${renewed.length}`);
    assert.equal(page.calls.length, renewed.length);
    session.close();
  }
});

test('a server whose tokens have hardly begun when they end is not asked in a loop', async () => {
  const page = browser(server(0, 1_000));
  const { session } = begun(login(page, 1_000));
  await page.pass(60_000);
  for (let i = 0; i < 50; i++) await session.token();
  assert.ok(page.calls.length <= 8, String(page.calls.length));
  session.close();
});

test('a token that has expired is replaced before it is used, once for all who ask', async () => {
  const page = browser(server());
  const { session } = begun(login(page, -1_000));
  const tokens = await Promise.all([session.token(), session.token(), session.token()]);
  assert.deepEqual(tokens, ['token-1', 'token-1', 'token-1']);
  assert.equal(page.calls.length, 1);
  assert.equal(storedLogin()?.token, 'token-1');
  session.close();
});

test('a clock that is set while the page is open ends nothing', async () => {
  const page = browser(server());
  const { session } = begun(login(page));
  page.setClock(Date.now() + 100 * HOUR);
  assert.equal(await session.token(), 'token-1');
  assert.equal(await session.token(), 'token-1');
  assert.equal(page.calls.length, 1);
  session.close();
});

test('where another tab was faster, its token is taken', async () => {
  let other: Login | undefined;
  const page = browser(() => {
    // The other tab's grant is stored while this tab's request is on its way, and has spent the token.
    other = login(page, HOUR, { token: 'theirs', refresh_token: 'refresh-theirs' });
    return { status: 401, body: { code: 'unauthenticated', title: 'spent' } };
  });
  const { session, renewed, out } = begun(login(page, -1_000));
  assert.equal(await session.token(), 'theirs');
  assert.deepEqual(renewed, ['theirs']);
  assert.equal(out(), 0);
  assert.ok(other);
  session.close();
});

test('a refused refresh ends the login, an unreachable server does not', async () => {
  let status = 503;
  const page = browser(() => ({
    status,
    body: { code: status === 503 ? 'unavailable' : 'unauthenticated', title: 'no' },
  }));
  const { session, out } = begun(login(page, -1_000));
  await assert.rejects(session.token(), { code: 'unavailable' });
  assert.equal(out(), 0);
  status = 401;
  await assert.rejects(session.token(), SignedOut);
  assert.equal(out(), 1);
  assert.equal(storedLogin(), null);
});

test('other tabs that refresh or sign out are followed', async () => {
  const page = browser(server());
  const { session, renewed, out } = begun(login(page));
  login(page, HOUR, { token: 'theirs', refresh_token: 'refresh-theirs' });
  page.dispatch('storage', { key: 'tidings.session' });
  assert.deepEqual(renewed, ['theirs']);
  assert.equal(await session.token(), 'theirs');
  page.stored.clear();
  page.dispatch('storage', { key: 'tidings.session' });
  await settle();
  assert.equal(out(), 1);
});

test('another password keeps this login, with new tokens', async () => {
  const page = browser(server());
  const { session, renewed, out } = begun(login(page));
  await session.changePassword('old', 'a new one');
  assert.deepEqual(page.calls, [
    { path: '/auth/password', body: { password: 'old', new_password: 'a new one' } },
  ]);
  assert.deepEqual([renewed, out()], [['token-1'], 0]);
  assert.equal(storedLogin()?.refresh_token, 'refresh-1');
  session.close();
});

test('a deleted account leaves no login behind, and one that is not deleted keeps it', async () => {
  let status = 401;
  const page = browser(() =>
    status === 401
      ? { status, body: { code: 'unauthenticated', detail: 'this is not the password' } }
      : { body: {} },
  );
  const { session, out } = begun(login(page));
  await assert.rejects(session.deleteAccount('wrong'), { message: 'this is not the password' });
  assert.deepEqual([out(), storedLogin()?.username], [0, 'me']);
  status = 200;
  await session.deleteAccount('right');
  assert.deepEqual([out(), storedLogin()], [1, null]);
});

test('all sessions end, the one that asks at last', async () => {
  const ended: string[] = [];
  const page = browser(() => ({ body: {} }));
  const { session, out } = begun(login(page));
  const list = ['here', 'phone', 'desk'].map(id => ({ id, current: id === 'here', address: '' }));
  Object.defineProperty(globalThis, 'fetch', {
    configurable: true,
    value: async (path: string, { method }: { method: string }) => {
      if (method !== 'GET') ended.push(path);
      return new Response(method === 'GET' ? JSON.stringify(list) : null, {
        status: method === 'GET' ? 200 : 204,
      });
    },
  });
  await new Sessions(session).endAll();
  assert.deepEqual(ended, ['/auth/sessions/phone', '/auth/sessions/desk', '/auth/logout']);
  assert.deepEqual([out(), storedLogin()], [1, null]);
});

test('whoever signs out leaves nothing behind that others could read, whichever page they were on', async () => {
  const ends: ((session: Session, page: Browser) => Promise<void>)[] = [
    session => session.signOut(),
    session => session.deleteAccount('right'),
    session => assert.rejects(session.renew(), SignedOut),
    async (_, page) => {
      page.stored.delete('tidings.session');
      page.dispatch('storage', { key: 'tidings.session' });
    },
  ];
  for (const end of ends) {
    const page = browser(path =>
      path === '/auth/refresh' ? { status: 401, body: { code: 'unauthenticated' } } : { body: {} },
    );
    const { session, out } = begun(login(page));
    for (const key of ['drafts.me', 'notices.me', 'cursors.me', 'drafts.other'])
      page.stored.set(`tidings.${key}`, '{}');
    await end(session, page);
    assert.equal(out(), 1);
    assert.deepEqual([...page.stored.keys()].sort(), ['tidings.cursors.me', 'tidings.drafts.other']);
  }
});
