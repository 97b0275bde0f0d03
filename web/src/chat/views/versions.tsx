// What a message said before it was edited.
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Version } from '../queries.ts';
import { sentence } from './hooks.ts';
import { clockTime, shortTime } from './time.ts';

interface Props {
  load(): Promise<Version[]>;
  onClose(): void;
}

export function Versions({ load, onClose }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [versions, setVersions] = useState<Version[] | null>(null);
  const [problem, setProblem] = useState('');

  useEffect(() => {
    dialog.current?.showModal();
    load().then(setVersions, (error: unknown) => setProblem(sentence(error)));
  }, []);

  return (
    <dialog ref={dialog} onClose={onClose} aria-labelledby="versions-title">
      <form method="dialog">
        <h2 id="versions-title">What it said before</h2>
        {problem !== '' && (
          <p class="problem" role="alert">
            {problem}
          </p>
        )}
        {versions === null && problem === '' && <p class="quiet">Loading…</p>}
        <ol class="versions">
          {versions?.map(({ at, text }, index) => (
            <li key={index}>
              <time class="quiet" dateTime={at} title={clockTime(at)}>
                {shortTime(at)}
              </time>
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
