// A question before something is done that cannot be undone.
import type { ComponentChildren } from 'preact';
import { useEffect, useId, useRef } from 'preact/hooks';

interface Props {
  title: string;
  /** What it is about, and what comes of it. */
  children: ComponentChildren;
  /** What is done, and what keeps things as they are. */
  yes: string;
  no: string;
  onYes(): void;
  onClose(): void;
}

export function Question({ title, children, yes, no, onYes, onClose }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  const heading = useId();
  useEffect(() => dialog.current?.showModal(), []);

  function submit(event: Event): void {
    event.preventDefault();
    onYes();
    dialog.current?.close();
  }

  return (
    <dialog ref={dialog} onClose={onClose} aria-labelledby={heading}>
      <form onSubmit={submit}>
        <h2 id={heading}>{title}</h2>
        {children}
        <div class="actions">
          <button type="button" autoFocus onClick={() => dialog.current?.close()}>
            {no}
          </button>
          <button class="alarming" type="submit">
            {yes}
          </button>
        </div>
      </form>
    </dialog>
  );
}
