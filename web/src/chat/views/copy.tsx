// A text that somebody takes elsewhere.
import type { ComponentChildren } from 'preact';
import { useId, useRef, useState } from 'preact/hooks';

interface Props {
  label: string;
  text: string;
  /** What is to be known of it. */
  children: ComponentChildren;
}

export function Copy({ label, text, children }: Props) {
  const id = useId();
  const field = useRef<HTMLInputElement>(null);
  const [said, setSaid] = useState('');

  async function copy(): Promise<void> {
    try {
      await navigator.clipboard.writeText(text);
      setSaid('Copied.');
    } catch {
      // Browsers may forbid it: what is marked can be copied by hand.
      field.current?.select();
      setSaid('It is marked: copy it by hand.');
    }
  }

  return (
    <div class="copy">
      <label for={id}>{label}</label>
      <div class="side-by-side">
        <input ref={field} id={id} readOnly value={text} onFocus={event => event.currentTarget.select()} />
        <button type="button" onClick={() => void copy()}>
          Copy
        </button>
      </div>
      <p class="quiet" role="status">
        {said === '' ? children : said}
      </p>
    </div>
  );
}
