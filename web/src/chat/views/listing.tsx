// A dialog that loads a list and shows it.
import type { ComponentChildren } from 'preact';
import { useEffect, useId, useRef, useState } from 'preact/hooks';
import { again } from '../again.ts';
import { sentence } from './hooks.ts';
import { clockTime, shortTime } from './time.ts';

interface Props<T> {
  title: string;
  /** What it says where there is nothing. */
  empty?: string;
  load(): Promise<T[]>;
  /** Whether something is lacking that this page knows of: it is loaded again, and shown until then. */
  lacks?(items: T[]): boolean;
  /** What stands for one; it may close the dialog. */
  row(item: T, close: () => void): ComponentChildren;
  onClose(): void;
}

export function Listing<T>({ title, empty, load, lacks, row, onClose }: Props<T>) {
  const dialog = useRef<HTMLDialogElement>(null);
  const heading = useId();
  const [items, setItems] = useState<T[] | null>(null);
  const [problem, setProblem] = useState('');

  useEffect(() => {
    dialog.current?.showModal();
    const shown = { current: true };
    void fill(shown);
    return () => void (shown.current = false);
  }, []);

  async function fill(shown: { current: boolean }): Promise<void> {
    const take = async (): Promise<true | null> => {
      const found = await load().catch((error: unknown) => sentence(error));
      if (!shown.current) return null;
      setProblem(typeof found === 'string' ? found : '');
      if (typeof found === 'string') return null;
      setItems(found);
      return lacks?.(found) ? null : true;
    };
    await again(take, () => !shown.current);
  }

  return (
    <dialog ref={dialog} onClose={onClose} aria-labelledby={heading}>
      <form method="dialog">
        <h2 id={heading}>{title}</h2>
        {problem !== '' && (
          <p class="problem" role="alert">
            {problem}
          </p>
        )}
        {items === null && problem === '' && <p class="quiet">Loading…</p>}
        {items?.length === 0 && empty && <p class="quiet">{empty}</p>}
        <ol class="listing">
          {items?.map((item, index) => (
            <li key={index}>{row(item, () => dialog.current?.close())}</li>
          ))}
        </ol>
        <div class="actions">
          <button type="submit">Close</button>
        </div>
      </form>
    </dialog>
  );
}

/** When something was said. */
export const When = ({ at }: { at: string }) => (
  <time class="quiet" dateTime={at} title={clockTime(at)}>
    {shortTime(at)}
  </time>
);
