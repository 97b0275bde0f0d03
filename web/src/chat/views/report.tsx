// Telling moderators what is wrong with a message.
import { useEffect, useId, useRef, useState } from 'preact/hooks';
import { ProblemLine, useDoing } from './doing.tsx';

/** Stands for another reason than those that the server offers, in words of one's own. */
const ELSE = 'Something else';
/** As long as servers usually take. */
const REASON_MAX = 256;
const NOTE_MAX = 1_000;

interface Props {
  /** What the message says, in one line. */
  text: string;
  /** What messages are reported for, and whether for something else, too. */
  reasons: readonly string[];
  others: boolean;
  /** Does it. What fails is said here. */
  onReport(reason: string, note: string): Promise<void>;
  onClose(): void;
}

export function ReportQuestion({ text, reasons, others, onReport, onClose }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  const heading = useId();
  /** In the words of the server, whose choice may become another while this is open; none for another reason. */
  const [reason, setReason] = useState<string | null>(reasons[0] ?? null);
  const [words, setWords] = useState('');
  const [note, setNote] = useState('');
  const [reported, setReported] = useState(false);
  const reporting = useDoing('Not reported');
  const choices = others ? [...reasons, null] : reasons;
  const inWords = reason === null && others;
  useEffect(() => dialog.current?.showModal(), []);

  async function submit(event: Event): Promise<void> {
    event.preventDefault();
    if (reported) return dialog.current?.close();
    const said = reason ?? words.trim();
    if (await reporting.run(() => onReport(said, note.trim()))) setReported(true);
  }

  return (
    <dialog ref={dialog} onClose={onClose} aria-labelledby={heading}>
      <form onSubmit={event => void submit(event)}>
        <h2 id={heading}>Report this message?</h2>
        <blockquote>{text}</blockquote>
        {!reported && (
          <>
            <fieldset class="choices">
              <legend>What is wrong with it?</legend>
              {choices.map(choice => (
                <label key={choice} class="check">
                  <input
                    type="radio"
                    name="reason"
                    required
                    checked={reason === choice}
                    onChange={() => setReason(choice)}
                  />
                  {choice ?? ELSE}
                </label>
              ))}
            </fieldset>
            {inWords && (
              <label>
                In a few words
                <input
                  value={words}
                  required
                  maxLength={REASON_MAX}
                  autoComplete="off"
                  onInput={event => setWords(event.currentTarget.value)}
                />
              </label>
            )}
            <label>
              <span>
                Note <span class="quiet">(optional)</span>
              </span>
              <textarea
                rows={3}
                value={note}
                maxLength={NOTE_MAX}
                onInput={event => setNote(event.currentTarget.value)}
              />
            </label>
          </>
        )}
        <p class="quiet" role="status">
          {reported
            ? 'It is reported: moderators will look at it.'
            : 'Moderators see what it says, and that it was you. Nobody else is told.'}
        </p>
        <ProblemLine of={reporting} />
        <div class="actions">
          {!reported && (
            <button type="button" onClick={() => dialog.current?.close()}>
              Cancel
            </button>
          )}
          <button class={reported ? '' : 'alarming'} type="submit" aria-disabled={reporting.busy}>
            {reported ? 'Close' : 'Report'}
          </button>
        </div>
      </form>
    </dialog>
  );
}
