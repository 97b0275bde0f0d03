// Editing a message where it stands.
import { useEffect, useRef, useState } from 'preact/hooks';

interface Props {
  text: string;
  /** Whether there may be no text: a caption can go. */
  optional: boolean;
  /** The longest text, in bytes of UTF-8. */
  bytesMax: number;
  onSave(text: string): void;
  onCancel(): void;
}

const encoder = new TextEncoder();

export function Editor({ text: before, optional, bytesMax, onSave, onCancel }: Props) {
  const [text, setText] = useState(before);
  const field = useRef<HTMLTextAreaElement>(null);
  const tooLong = encoder.encode(text).length > bytesMax;
  const wrong = tooLong || (!optional && text.trim() === '');

  useEffect(() => {
    const element = field.current;
    const from = document.activeElement;
    if (element) {
      element.focus();
      element.setSelectionRange(element.value.length, element.value.length);
      element.closest('.message')?.scrollIntoView({ block: 'nearest' });
    }
    const message = element?.closest<HTMLElement>('.message');
    return () => {
      // Back to where one came from; the button that began it is gone with its tools.
      const back = from instanceof HTMLElement && from.isConnected ? from : message;
      if (!document.activeElement || document.activeElement === document.body) back?.focus();
    };
  }, []);

  function save(event: Event): void {
    event.preventDefault();
    if (!wrong) onSave(text.trim());
  }

  return (
    <form class="editor" onSubmit={save}>
      <div class="growing" data-text={text}>
        <textarea
          ref={field}
          rows={1}
          value={text}
          aria-label="Edit message"
          aria-invalid={wrong}
          onInput={event => setText(event.currentTarget.value)}
          onKeyDown={event => {
            // The keys of the list of messages mean something else.
            event.stopPropagation();
            if (event.key === 'Escape') onCancel();
            else if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) save(event);
          }}
        />
      </div>
      <div class="actions">
        {tooLong && (
          <span class="problem" role="alert">
            Too long
          </span>
        )}
        <button class="small" type="button" onClick={onCancel}>
          Cancel
        </button>
        <button class="small primary" type="submit" disabled={wrong}>
          Save
        </button>
      </div>
    </form>
  );
}
