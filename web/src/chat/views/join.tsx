// The question before somebody comes into a group by an address that they were given.
import { useEffect, useId, useRef, useState } from 'preact/hooks';
import type { Chat } from '../chat.ts';
import type { Way } from '../joining.ts';
import { ProblemLine, useDoing } from './doing.tsx';

interface Props {
  chat: Chat;
  way: Way;
  /** With the conversation, where it is open now. */
  onClose(conversation: string | null): void;
}

export function Join({ chat, way, onClose }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  const heading = useId();
  const joining = useDoing('You did not come in');
  const [waits, setWaits] = useState(false);
  const joined = useRef<string | null>(null);
  useEffect(() => dialog.current?.showModal(), []);

  async function join(event: Event): Promise<void> {
    event.preventDefault();
    const went = await joining.run(async () => (joined.current = await chat.joining.join(way)));
    if (!went) return;
    if (joined.current === null) setWaits(true);
    else dialog.current?.close();
  }

  return (
    <dialog ref={dialog} onClose={() => onClose(joined.current)} aria-labelledby={heading}>
      <form onSubmit={event => void join(event)}>
        <h2 id={heading}>Come into a group?</h2>
        <p class="quiet" role="status">
          {waits
            ? 'You have asked to be let in. The group is among your conversations as soon as somebody has.'
            : way.kind === 'link'
              ? 'Somebody gave you a link into a group. Its members will see that you have come.'
              : 'Its members will see that you come, or that you ask to.'}
        </p>
        <ProblemLine of={joining} />
        <div class="actions">
          <button type="button" onClick={() => dialog.current?.close()}>
            {waits ? 'Close' : 'Cancel'}
          </button>
          {!waits && (
            <button class="primary" type="submit" aria-disabled={joining.busy}>
              {way.kind === 'link' ? 'Come in' : 'Come in, or ask to'}
            </button>
          )}
        </div>
      </form>
    </dialog>
  );
}
