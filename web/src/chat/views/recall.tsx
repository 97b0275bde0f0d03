// The question before a message is taken back.
import { useEffect, useRef } from 'preact/hooks';

interface Props {
  /** What the message says, in one line. */
  text: string;
  onRecall(): void;
  onClose(): void;
}

export function RecallQuestion({ text, onRecall, onClose }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);

  function recall(event: Event): void {
    event.preventDefault();
    onRecall();
    dialog.current?.close();
  }

  return (
    <dialog ref={dialog} onClose={onClose} aria-labelledby="recall-title">
      <form onSubmit={recall}>
        <h2 id="recall-title">Recall this message?</h2>
        <blockquote>{text}</blockquote>
        <p class="quiet">Nobody will see any more what it says. That it was there stays visible.</p>
        <div class="actions">
          <button type="button" autoFocus onClick={() => dialog.current?.close()}>
            Keep it
          </button>
          <button class="alarming" type="submit">
            Recall
          </button>
        </div>
      </form>
    </dialog>
  );
}
