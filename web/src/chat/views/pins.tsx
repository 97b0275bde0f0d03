// The messages that a conversation keeps in view.
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Pinned } from '../queries.ts';
import { sentence } from './hooks.ts';
import { clockTime, shortTime } from './time.ts';

interface Props {
  load(): Promise<Pinned[]>;
  onClose(): void;
}

export function Pins({ load, onClose }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [pins, setPins] = useState<Pinned[] | null>(null);
  const [problem, setProblem] = useState('');

  useEffect(() => {
    dialog.current?.showModal();
    load().then(setPins, (error: unknown) => setProblem(sentence(error)));
  }, []);

  return (
    <dialog ref={dialog} onClose={onClose} aria-labelledby="pins-title">
      <form method="dialog">
        <h2 id="pins-title">Pinned messages</h2>
        {problem !== '' && (
          <p class="problem" role="alert">
            {problem}
          </p>
        )}
        {pins === null && problem === '' && <p class="quiet">Loading…</p>}
        {pins?.length === 0 && <p class="quiet">Nothing is pinned here.</p>}
        <ol class="versions">
          {pins?.map(({ id, at, text, sender }) => (
            <li key={id}>
              <span class="quiet">
                {sender},{' '}
                <time dateTime={at} title={clockTime(at)}>
                  {shortTime(at)}
                </time>
              </span>
              <span class="text">{text}</span>
            </li>
          ))}
        </ol>
        <div class="actions">
          <button type="submit">Close</button>
        </div>
      </form>
    </dialog>
  );
}
