// Beginning a conversation: with one person, or a group with several.
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Chat } from '../chat.ts';
import { sentence } from './hooks.ts';

export function NewConversation({ chat, onClose }: { chat: Chat; onClose(): void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [kind, setKind] = useState<'direct' | 'group'>('direct');
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState('');
  const name = useRef<HTMLInputElement>(null);
  const usernames = useRef<HTMLInputElement>(null);

  useEffect(() => dialog.current?.showModal(), []);

  async function submit(event: Event): Promise<void> {
    event.preventDefault();
    setBusy(true);
    setProblem('');
    try {
      const people = (usernames.current?.value ?? '').split(/[\s,;]+/).filter(Boolean);
      const id =
        kind === 'direct'
          ? await chat.openDirect(people.join(' '))
          : await chat.createGroup(name.current?.value.trim() ?? '', people);
      location.hash = id;
      dialog.current?.close();
    } catch (error) {
      setProblem(sentence(error));
      setBusy(false);
    }
  }

  return (
    <dialog ref={dialog} onClose={onClose} aria-labelledby="new-title">
      <form onSubmit={submit}>
        <h2 id="new-title">New conversation</h2>
        <fieldset class="tabs">
          <legend class="visually-hidden">With whom</legend>
          {(['direct', 'group'] as const).map(choice => (
            <label key={choice}>
              <input type="radio" name="kind" checked={kind === choice} onChange={() => setKind(choice)} />
              <span>{choice === 'direct' ? 'One person' : 'Group'}</span>
            </label>
          ))}
        </fieldset>
        {kind === 'group' && (
          <label>
            Name of the group
            <input ref={name} required maxLength={100} autoComplete="off" />
          </label>
        )}
        <label>
          {kind === 'direct' ? 'Username' : 'Usernames, separated by commas'}
          <input
            ref={usernames}
            required
            autoFocus
            autoComplete="off"
            autoCapitalize="none"
            spellcheck={false}
            placeholder={kind === 'direct' ? 'bob' : 'bob, carol'}
          />
        </label>
        <p class="problem" role="alert">
          {problem}
        </p>
        <div class="actions">
          <button type="button" onClick={() => dialog.current?.close()}>
            Cancel
          </button>
          <button class="primary" type="submit" disabled={busy}>
            {kind === 'direct' ? 'Open' : 'Create'}
          </button>
        </div>
      </form>
    </dialog>
  );
}
