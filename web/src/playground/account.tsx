/** @jsxImportSource react */
// The bar above the playground: as whom queries are asked.
import { useState, type FormEvent } from 'react';
import { signIn } from '../shared/session.ts';
import type { Credentials } from './credentials.ts';

export function Account({ credentials, who }: { credentials: Credentials; who: string | null }) {
  const [pasting, setPasting] = useState(false);
  const [problem, setProblem] = useState('');
  const [busy, setBusy] = useState(false);

  async function submit(event: FormEvent<HTMLFormElement>): Promise<void> {
    event.preventDefault();
    const fields = new FormData(event.currentTarget);
    const field = (name: string): string => String(fields.get(name) ?? '');
    setBusy(true);
    setProblem('');
    try {
      if (pasting) credentials.paste(field('token'));
      else credentials.adopt(await signIn(field('username').trim(), field('password')));
      setPasting(false);
    } catch (error) {
      setProblem(error instanceof Error ? error.message : 'Something went wrong.');
    }
    setBusy(false);
  }

  if (who !== null) {
    return (
      <header className="account">
        <span>
          Asking as <strong>{who}</strong>
        </span>
        <button type="button" onClick={() => void credentials.signOut()}>
          {who === 'a pasted token' ? 'Forget it' : 'Sign out'}
        </button>
      </header>
    );
  }
  return (
    <header className="account">
      <form onSubmit={event => void submit(event)} aria-label="Sign in">
        {pasting ? (
          <input
            key="token"
            name="token"
            aria-label="Token"
            placeholder="Token"
            required
            autoComplete="off"
          />
        ) : (
          <>
            <input
              key="username"
              name="username"
              aria-label="Username"
              placeholder="Username"
              required
              autoComplete="username"
              autoCapitalize="none"
              spellCheck={false}
            />
            <input
              name="password"
              type="password"
              aria-label="Password"
              placeholder="Password"
              required
              autoComplete="current-password"
            />
          </>
        )}
        <button type="submit" className="primary" disabled={busy}>
          {pasting ? 'Use it' : 'Sign in'}
        </button>
        <button type="button" onClick={() => setPasting(!pasting)}>
          {pasting ? 'Sign in instead' : 'Paste a token instead'}
        </button>
        <span className="problem" role="alert">
          {problem}
        </span>
      </form>
    </header>
  );
}
