// Where to send on what a message says.
import { useEffect, useId, useRef, useState } from 'preact/hooks';
import type { Chat } from '../chat.ts';
import { may } from '../nouns/permission.ts';
import * as store from '../store.ts';
import { Avatar } from './avatar.tsx';

/** So many conversations are offered at a time; others are found by their names. */
const OFFERED_MAX = 50;

interface Props {
  chat: Chat;
  /** What the message says, in one line, and whether it shows a file. */
  text: string;
  attached: boolean;
  onChoose(conversation: string): void;
  onClose(): void;
}

export function ForwardTo({ chat, text, attached, onChoose, onClose }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  const heading = useId();
  const [name, setName] = useState('');
  useEffect(() => dialog.current?.showModal(), []);
  const { state } = chat;
  const offered = store
    .listed(state)
    .filter(
      conversation => may('write', conversation, state) && (!attached || may('attach', conversation, state)),
    )
    .map(conversation => ({ conversation, title: store.titleOf(state, conversation) }))
    .filter(({ title }) => title.toLowerCase().includes(name.trim().toLowerCase()))
    .slice(0, OFFERED_MAX);

  return (
    <dialog ref={dialog} onClose={onClose} aria-labelledby={heading}>
      <form method="dialog">
        <h2 id={heading}>Forward to</h2>
        <blockquote>{text}</blockquote>
        <input
          type="search"
          value={name}
          aria-label="Find a conversation"
          placeholder="Find a conversation"
          autoFocus
          onInput={event => setName(event.currentTarget.value)}
          // Enter would close the dialog.
          onKeyDown={event => event.key === 'Enter' && event.preventDefault()}
        />
        <ul class="listing">
          {offered.map(({ conversation, title }) => (
            <li key={conversation.id}>
              <button
                class="row choice"
                type="button"
                onClick={() => {
                  onChoose(conversation.id);
                  dialog.current?.close();
                }}
              >
                <Avatar id={store.faceOf(state, conversation)} name={title} />
                {title}
              </button>
            </li>
          ))}
        </ul>
        <div class="actions">
          <button type="submit">Cancel</button>
        </div>
      </form>
    </dialog>
  );
}
