// Where messages are written.
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Chat } from '../chat.ts';
import { AttachIcon } from './icons.tsx';
import { filesOf, type Choice } from './picked.ts';
import { Tray } from './tray.tsx';

/** Without a key pressed for so long, nobody is typing any more. */
const PAUSE_MS = 4_000;
const encoder = new TextEncoder();

interface Props {
  chat: Chat;
  conversation: string;
  title: string;
  picked: Choice;
}

export function Composer({ chat, conversation, title, picked }: Props) {
  const [text, setText] = useState(() => chat.drafts.text(conversation));
  const field = useRef<HTMLTextAreaElement>(null);
  const chooser = useRef<HTMLInputElement>(null);
  const pause = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const { textBytes } = chat.state.limits;
  const tooLong = text.length > textBytes / 4 && encoder.encode(text).length > textBytes;
  const nothing = text.trim() === '' && picked.files.length === 0;

  useEffect(() => {
    // On a touch screen the keyboard would cover what there is to read.
    if (matchMedia('(hover: hover)').matches) field.current?.focus();
    return () => clearTimeout(pause.current);
  }, []);

  function changed(value: string): void {
    setText(value);
    chat.drafts.keepText(conversation, value);
    clearTimeout(pause.current);
    if (value === '') return chat.stopTyping();
    chat.typed(conversation);
    pause.current = setTimeout(() => chat.stopTyping(), PAUSE_MS);
  }

  function send(event: Event): void {
    event.preventDefault();
    if (nothing || tooLong) return;
    clearTimeout(pause.current);
    chat.send(conversation, text.trim(), picked.files);
    setText('');
    chat.drafts.keepText(conversation, '');
    picked.clear();
    field.current?.focus();
  }

  function pasted(event: ClipboardEvent): void {
    const data = event.clipboardData;
    // What was copied from a document comes as a picture of itself, too.
    if (!data || data.types.includes('text/plain')) return;
    const files = filesOf(data);
    if (files.length === 0) return;
    event.preventDefault();
    picked.add(files);
  }

  return (
    <form class="composer" onSubmit={send}>
      <Tray files={picked.files} remove={picked.remove} />
      <p class="problem" role="alert">
        {tooLong ? 'This text is too long.' : picked.problem}
      </p>
      <div class="writing">
        <button
          class="attach"
          type="button"
          aria-label="Attach files"
          title="Attach files"
          onClick={() => chooser.current?.click()}
        >
          <AttachIcon />
        </button>
        <input
          ref={chooser}
          type="file"
          multiple
          hidden
          aria-hidden="true"
          onChange={event => {
            picked.add(event.currentTarget.files ?? []);
            // The same file can be chosen again.
            event.currentTarget.value = '';
            field.current?.focus();
          }}
        />
        <div class="growing" data-text={text}>
          <textarea
            ref={field}
            rows={1}
            value={text}
            aria-label={`Message to ${title}`}
            aria-invalid={tooLong}
            placeholder={picked.files.length > 0 ? 'Add a caption' : 'Write a message'}
            onInput={event => changed(event.currentTarget.value)}
            onPaste={pasted}
            onKeyDown={event => {
              if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) send(event);
              else if (event.key === 'ArrowUp' && text === '') {
                event.preventDefault();
                chat.editLast(conversation);
              }
            }}
          />
        </div>
        <button class="primary" type="submit" disabled={nothing || tooLong}>
          Send
        </button>
      </div>
    </form>
  );
}
