// Signing in, and making an account.
import { useRef, useState } from 'preact/hooks';
import { Problem } from '../../shared/api.ts';
import { signIn, signUp, type Login } from '../../shared/session.ts';
import { sentence } from './hooks.ts';

export function SignIn({ notice, onSignedIn }: { notice: string; onSignedIn(login: Login): void }) {
  const [registering, setRegistering] = useState(false);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<{ text: string; field?: string | undefined } | null>(null);
  const form = useRef<HTMLFormElement>(null);

  async function submit(event: Event): Promise<void> {
    event.preventDefault();
    const fields = new FormData(form.current!);
    const field = (name: string): string => String(fields.get(name) ?? '');
    const [username, password] = [field('username').trim(), field('password')];
    setBusy(true);
    setProblem(null);
    try {
      const entering = registering
        ? signUp(username, password, field('display_name').trim())
        : signIn(username, password);
      onSignedIn(await entering);
    } catch (error) {
      setProblem({ text: sentence(error), field: error instanceof Problem ? error.field : undefined });
      setBusy(false);
    }
  }

  const invalid = (name: string) => ({
    'aria-invalid': problem?.field === name,
    'aria-describedby': problem ? 'sign-in-problem' : undefined,
  });

  return (
    <main class="sign-in">
      <form ref={form} class="card" onSubmit={submit} aria-labelledby="sign-in-title">
        <Logo />
        <h1 id="sign-in-title">{registering ? 'Create an account' : 'Sign in to Tidings'}</h1>
        {notice && !problem && <p class="notice">{notice}</p>}
        <label>
          Username
          <input
            name="username"
            autoComplete="username"
            autoCapitalize="none"
            spellcheck={false}
            required
            maxLength={32}
            autoFocus
            {...invalid('username')}
          />
        </label>
        {registering && (
          <label>
            <span>
              Display name <span class="quiet">(optional)</span>
            </span>
            <input name="display_name" autoComplete="name" maxLength={64} {...invalid('display_name')} />
          </label>
        )}
        <label>
          Password
          <input
            name="password"
            type="password"
            autoComplete={registering ? 'new-password' : 'current-password'}
            required
            minLength={registering ? 8 : 1}
            {...invalid('password')}
          />
        </label>
        <p id="sign-in-problem" class="problem" role="alert">
          {problem?.text}
        </p>
        <button class="primary" type="submit" disabled={busy}>
          {busy ? 'One moment…' : registering ? 'Register' : 'Sign in'}
        </button>
        <button
          class="link"
          type="button"
          onClick={() => {
            setRegistering(!registering);
            setProblem(null);
          }}
        >
          {registering ? 'I have an account' : 'I am new here'}
        </button>
      </form>
    </main>
  );
}

function Logo() {
  return (
    <svg class="logo" viewBox="0 0 32 32" aria-hidden="true">
      <rect width="32" height="32" rx="8" />
      <path d="M7 9.5h18M7 16h12M7 22.500h15" />
    </svg>
  );
}
