// Changing one's password.
import { useRef, useState } from 'preact/hooks';
import type { Chat } from '../../chat.ts';
import { ProblemLine, useDoing } from '../doing.tsx';
import { Section } from '../pane.tsx';

interface Props {
  chat: Chat;
  username: string;
  onChanged(): void;
}

export function PasswordForm({ chat, username, onChanged }: Props) {
  const form = useRef<HTMLFormElement>(null);
  const changing = useDoing('Not changed');
  const [changed, setChanged] = useState(false);

  async function change(event: Event): Promise<void> {
    event.preventDefault();
    const fields = new FormData(form.current!);
    const [before, after] = ['password', 'new_password'].map(name => String(fields.get(name) ?? ''));
    setChanged(false);
    if (!(await changing.run(() => chat.sessions.changePassword(before!, after!)))) return;
    form.current?.reset();
    setChanged(true);
    onChanged();
  }

  return (
    <Section title="Password">
      <form ref={form} class="pane-form" aria-label="Password" onSubmit={event => void change(event)}>
        <UsernameForManagers username={username} />
        <label>
          Your password
          <input name="password" type="password" autoComplete="current-password" required />
        </label>
        <label>
          The new one
          <input name="new_password" type="password" autoComplete="new-password" required minLength={8} />
        </label>
        <p class="quiet" role="status">
          {changed ? 'It is changed. All other devices are signed out.' : 'All other devices are signed out.'}
        </p>
        <ProblemLine of={changing} />
        <div class="actions">
          <button class="primary" type="submit" aria-disabled={changing.busy}>
            Change the password
          </button>
        </div>
      </form>
    </Section>
  );
}

/** Programs that keep passwords look for whose it is. */
export const UsernameForManagers = ({ username }: { username: string }) => (
  <input name="username" value={username} autoComplete="username" readOnly hidden />
);
