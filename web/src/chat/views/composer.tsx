// Where messages are written.
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Chat } from '../chat.ts';

/** Without a key pressed for so long, nobody is typing any more. */
const PAUSE_MS = 4_000;
const encoder = new TextEncoder();

export function Composer({ chat, conversation, title }: { chat: Chat; conversation: string; title: string }) {
  const [text, setText] = useState(() => chat.draft(conversation));
  const field = useRef<HTMLTextAreaElement>(null);
  const pause = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const { textBytes } = chat.state.limits;
  const tooLong = text.length > textBytes / 4 && encoder.encode(text).length > textBytes;

  useEffect(() => {
    // On a touch screen the keyboard would cover what there is to read.
    if (matchMedia('(hover: hover)').matches) field.current?.focus();
    return () => clearTimeout(pause.current);
  }, []);

  function changed(value: string): void {
    setText(value);
    chat.keepDraft(conversation, value);
    clearTimeout(pause.current);
    if (value === '') return chat.stopTyping();
    chat.typed(conversation);
    pause.current = setTimeout(() => chat.stopTyping(), PAUSE_MS);
  }

  function send(event: Event): void {
    event.preventDefault();
    if (text.trim() === '' || tooLong) return;
    clearTimeout(pause.current);
    chat.send(conversation, text.trim());
    setText('');
    chat.keepDraft(conversation, '');
    field.current?.focus();
  }

  return (
    <form class="composer" onSubmit={send}>
      <div class="growing" data-text={text}>
        <textarea
          ref={field}
          rows={1}
          value={text}
          aria-label={`Message to ${title}`}
          aria-invalid={tooLong}
          placeholder="Write a message"
          onInput={event => changed(event.currentTarget.value)}
          onKeyDown={event => {
            if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) send(event);
            else if (event.key === 'ArrowUp' && text === '') {
              event.preventDefault();
              chat.editLast(conversation);
            }
          }}
        />
      </div>
      {tooLong && (
        <span class="problem" role="alert">
          Too long
        </span>
      )}
      <button class="primary" type="submit" disabled={text.trim() === '' || tooLong}>
        Send
      </button>
    </form>
  );
}
