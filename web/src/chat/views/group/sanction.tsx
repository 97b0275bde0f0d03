// The question before somebody is muted or banned: for how long, and why.
import type { ComponentChildren } from 'preact';
import { useEffect, useId, useRef, useState } from 'preact/hooks';
import { ProblemLine, useDoing } from '../doing.tsx';

const HOUR_MS = 3_600_000;
const TIMES = [
  ['For an hour', HOUR_MS],
  ['For a day', 24 * HOUR_MS],
  ['For a week', 7 * 24 * HOUR_MS],
  ['For 30 days', 30 * 24 * HOUR_MS],
] as const;

interface Props {
  title: string;
  yes: string;
  /** What comes of it. */
  children: ComponentChildren;
  /** Whether a reason may be given. */
  reasoned?: boolean;
  /** Whether somebody is to be named first. */
  named?: boolean;
  /** Does it; `forMs` is missing where it does not end by itself. What fails is said in the question. */
  onYes(how: { forMs?: number; reason: string; username: string }): Promise<unknown>;
  onClose(): void;
}

export function SanctionQuestion({ title, yes, children, reasoned, named, onYes, onClose }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  const heading = useId();
  const [time, setTime] = useState(1);
  const [reason, setReason] = useState('');
  const [username, setUsername] = useState('');
  const doing = useDoing('It did not work');
  useEffect(() => dialog.current?.showModal(), []);

  async function submit(event: Event): Promise<void> {
    event.preventDefault();
    const forMs = TIMES[time]?.[1];
    const how = { reason: reason.trim(), username: username.trim(), ...(forMs !== undefined && { forMs }) };
    if (await doing.run(() => onYes(how))) dialog.current?.close();
  }

  return (
    <dialog ref={dialog} onClose={onClose} aria-labelledby={heading}>
      <form onSubmit={event => void submit(event)}>
        <h2 id={heading}>{title}</h2>
        <p class="quiet">{children}</p>
        {named && (
          <label>
            Username
            <input
              value={username}
              required
              autoComplete="off"
              autoCapitalize="none"
              spellcheck={false}
              onInput={event => setUsername(event.currentTarget.value)}
            />
          </label>
        )}
        <label>
          How long
          <select value={time} onChange={event => setTime(Number(event.currentTarget.value))}>
            {TIMES.map(([label], index) => (
              <option key={label} value={index}>
                {label}
              </option>
            ))}
            <option value={TIMES.length}>Until somebody ends it</option>
          </select>
        </label>
        {reasoned && (
          <label>
            <span>
              Reason <span class="quiet">(optional, members see it)</span>
            </span>
            <input
              value={reason}
              maxLength={256}
              autoComplete="off"
              onInput={event => setReason(event.currentTarget.value)}
            />
          </label>
        )}
        <ProblemLine of={doing} />
        <div class="actions">
          <button type="button" onClick={() => dialog.current?.close()}>
            Cancel
          </button>
          <button class="alarming" type="submit" aria-disabled={doing.busy}>
            {yes}
          </button>
        </div>
      </form>
    </dialog>
  );
}
