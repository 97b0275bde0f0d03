// What a group is called, and calling it otherwise.
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import * as store from '../../store.ts';
import { ProblemLine, useDoing } from '../doing.tsx';
import type { Part } from './pane.tsx';

export function GroupName({ chat, state, conversation, allowed }: Part) {
  const title = store.titleOf(state, conversation);
  const [name, setName] = useState<string | null>(null);
  const renaming = useDoing('Not renamed');
  const field = useRef<HTMLInputElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const editing = name !== null;
  const wasEditing = useRef(false);
  // What had the focus gives way to the other one.
  useLayoutEffect(() => {
    const lost = !document.activeElement || document.activeElement === document.body;
    if (editing !== wasEditing.current && lost) (editing ? field : button).current?.focus();
    wasEditing.current = editing;
  }, [editing]);

  async function rename(event: Event): Promise<void> {
    event.preventDefault();
    const wanted = (name ?? '').trim();
    if (wanted === '' || wanted === title) return setName(null);
    if (await renaming.run(() => chat.governing.rename(conversation.id, wanted))) setName(null);
  }

  if (name === null)
    return (
      <p class="pane-line">
        <strong>{title}</strong>
        {allowed('rename') && (
          <button ref={button} class="link" type="button" onClick={() => setName(title)}>
            Rename
          </button>
        )}
      </p>
    );
  return (
    <form class="pane-form" onSubmit={event => void rename(event)}>
      <label>
        Name of the group
        <input
          ref={field}
          value={name}
          required
          maxLength={100}
          autoComplete="off"
          onInput={event => setName(event.currentTarget.value)}
        />
      </label>
      <ProblemLine of={renaming} />
      <div class="actions">
        <button type="button" onClick={() => setName(null)}>
          Cancel
        </button>
        <button class="primary" type="submit" aria-disabled={renaming.busy}>
          Rename
        </button>
      </div>
    </form>
  );
}
