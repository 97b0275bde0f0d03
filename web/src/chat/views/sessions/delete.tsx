// The end of an account.
import { useEffect, useId, useRef, useState } from 'preact/hooks';
import type { Chat } from '../../chat.ts';
import { ProblemLine, useDoing } from '../doing.tsx';
import { Section } from '../pane.tsx';
import { UsernameForManagers } from './password.tsx';

interface Props {
  chat: Chat;
  username: string;
}

export function DeleteAccount(props: Props) {
  const [asking, setAsking] = useState(false);
  return (
    <Section title="Delete the account">
      <p class="quiet">It is gone for good. What you have said stays, as by a deleted user.</p>
      <button class="small leave" type="button" onClick={() => setAsking(true)}>
        Delete the account…
      </button>
      {asking && <DeleteQuestion {...props} onClose={() => setAsking(false)} />}
    </Section>
  );
}

/** Where it works, the whole page ends. */
function DeleteQuestion({ chat, username, onClose }: Props & { onClose(): void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const heading = useId();
  const [password, setPassword] = useState('');
  const deleting = useDoing('Not deleted');
  useEffect(() => dialog.current?.showModal(), []);

  function submit(event: Event): void {
    event.preventDefault();
    void deleting.run(() => chat.sessions.deleteAccount(password));
  }

  return (
    <dialog ref={dialog} onClose={onClose} aria-labelledby={heading}>
      <form onSubmit={submit}>
        <h2 id={heading}>Delete your account?</h2>
        <p class="quiet">
          Nobody brings it back. You leave all groups, and are nobody’s contact any more. Your username may be
          free for others.
        </p>
        <UsernameForManagers username={username} />
        <label>
          Your password
          <input
            type="password"
            value={password}
            autoComplete="current-password"
            required
            onInput={event => setPassword(event.currentTarget.value)}
          />
        </label>
        <ProblemLine of={deleting} />
        <div class="actions">
          <button type="button" autoFocus onClick={() => dialog.current?.close()}>
            Keep it
          </button>
          <button class="alarming" type="submit" aria-disabled={deleting.busy}>
            Delete
          </button>
        </div>
      </form>
    </dialog>
  );
}
